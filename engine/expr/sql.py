"""The tree as a sqlglot tree: the reading that selects customers.

What does not depend on a column (`form.budget * 2`, `params.limit`) is worked out first and stands in the SQL as a
literal; a macro over a list whose length is known becomes its rounds, joined by OR or AND. A missing column value is
NULL: a comparison with it holds neither way, as a missing field fails in the closure. Times are UTC without a zone, as
datasets keep them. Refuses what DuckDB, PostgreSQL and Spark would answer differently, or end the query over: maps,
macros over list columns, spans of time that are no constant, texts read as numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, assert_never

from sqlglot import exp

from engine.errors import InvalidExpression
from engine.expr import tree as trees
from engine.expr.functions import overload
from engine.expr.infer import Types
from engine.expr.kinds import kind_of
from engine.expr.lexer import wrong
from engine.expr.operators import RELATIONS
from engine.expr.tree import Tree, path_of, walk
from engine.expr.types import DATE, DECIMAL, DURATION, INT, TEXT, TIMESTAMP, List

MAX_ROUNDS = 100
"""A macro over a longer list would make a statement that no database likes."""
Columns = Mapping[str, exp.Expr]
"""What stands for each field that is a column: {"c.arpu": column("arpu", table="customers"), ...}."""

_BINARY: dict[str, type[exp.Binary]] = {
    "==": exp.EQ,
    "!=": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
    "+": exp.Add,
    "-": exp.Sub,
    "*": exp.Mul,
}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
WorkedOut = Callable[[Tree, Mapping[str, Any]], Any]
"""The value of a part that reads no column, given the values of the variables of macros around it."""


def to_sql(text: str, tree: Tree, types: Types, columns: Columns, worked_out: WorkedOut) -> exp.Expr:
    """The sqlglot tree of `tree`."""
    return _Writer(text, types, columns, worked_out).write(tree)


class _Writer:
    def __init__(self, text: str, types: Types, columns: Columns, worked_out: WorkedOut) -> None:
        self.text = text
        self.types = types
        self.columns = columns
        self.rows = {path.split(".", 1)[0] for path in columns}
        self._worked_out = worked_out
        self.values: dict[str, Any] = {}
        self.parts: dict[str, exp.Expr] = {}
        """What the variables of the macros around are in this round: a value, or SQL where they read a column."""

    def worked_out(self, tree: Tree) -> Any:
        return self._worked_out(tree, self.values)

    def reads_column(self, tree: Tree) -> bool:
        return any(isinstance(part, trees.Name) and self.stands_for_column(part.name) for part in walk(tree))

    def stands_for_column(self, name: str) -> bool:
        return name in self.parts or (name in self.rows and name not in self.values)

    def write(self, tree: Tree) -> exp.Expr:
        if not self.reads_column(tree):
            return self.literal(tree, self.worked_out(tree))
        match tree:
            case trees.Select():
                return self.column(tree, path_of(tree))
            case trees.Has():
                base = path_of(tree.of)
                return exp.Not(this=exp.Is(this=self.column(tree, f"{base}.{tree.field}"), expression=exp.Null()))
            case trees.Logic():
                join = exp.or_ if tree.operator == "||" else exp.and_
                return join(*(self.write(part) for part in tree.parts), copy=False)
            case trees.Operation():
                return self.operation(tree)
            case trees.Conditional():
                # an unknown condition gives neither side, as in the closure; a plain ELSE would give the second
                condition = self.write(tree.condition)
                case = exp.Case().when(condition, self.write(tree.yes), copy=False)
                return case.when(exp.Not(this=_closed(condition.copy())), self.write(tree.no), copy=False)
            case trees.Call():
                return self.call(tree)
            case trees.Name() if tree.name in self.parts:
                return self.parts[tree.name].copy()
            case trees.Macro():
                return self.macro(tree)
            case trees.Name() | trees.Index() | trees.ListOf() | trees.MapOf() | trees.Literal():
                raise self.refused(tree, "this cannot be asked of the customer columns")
            case _:
                assert_never(tree)

    def column(self, tree: Tree, path: str | None) -> exp.Expr:
        if path is None or path not in self.columns:
            raise self.refused(tree, f"{path or 'this'} is no column")
        return self.columns[path].copy()

    def operation(self, tree: trees.Operation) -> exp.Expr:
        if len(tree.operands) == 1:
            inner = _closed(self.write(tree.operands[0]))
            return exp.Not(this=inner) if tree.operator == "!" else exp.Neg(this=inner)
        left, right = tree.operands
        if tree.operator == "in":
            return self.membership(left, right)
        if tree.operator in ("==", "!=") and (empty := self.compared_with_null(tree)) is not None:
            return empty
        if tree.operator in RELATIONS and (turned := self.turned(tree)) is not None:
            return turned
        if DURATION in (self.types[left.number], self.types[right.number], self.types[tree.number]):
            return self.moved(tree)
        first, second = (_closed(self.write(part)) for part in tree.operands)
        match tree.operator:
            case "/":
                # by zero selects nobody instead of ending the query
                nonzero = exp.func("nullif", second, exp.Literal.number(0))
                if self.types[left.number] == self.types[right.number] == INT:
                    # exact and without the fraction, as in the closure: the remainder has the sign of the dividend
                    whole = exp.paren(exp.Sub(this=first, expression=exp.Mod(this=first.copy(), expression=nonzero)))
                    return exp.cast(exp.IntDiv(this=whole, expression=nonzero.copy()), "bigint")
                return _closed(exp.Div(this=exp.cast(first, "double"), expression=nonzero, typed=False, safe=False))
            case "%":
                nonzero = exp.func("nullif", second, exp.Literal.number(0))
                return _closed(exp.Mod(this=first, expression=nonzero))
            case "+" if isinstance(self.types[tree.number], List):
                raise self.refused(tree, "lists cannot be joined in a rule over customers")
            case "+" if self.types[tree.number] == TEXT:
                return _closed(exp.DPipe(this=first, expression=second, safe=True))
            case sign:
                return _BINARY[sign](this=first, expression=second)

    def turned(self, tree: trees.Operation) -> exp.Expr | None:
        """`a / 3 > b` as `a > b * 3`, `a - b > span` as `a > b + span`: exact, where databases would not be."""
        left, right = tree.operands
        sign: str = tree.operator
        if not _is_quotient_or_difference(left, self.types):
            left, right, sign = right, left, _TURNED.get(sign, sign)
        if not _is_quotient_or_difference(left, self.types):
            return None
        assert isinstance(left, trees.Operation)
        of, by = left.operands
        if left.operator == "/":
            if self.reads_column(by) or not (divisor := self.worked_out(by)):
                return None
            sign = _TURNED.get(sign, sign) if divisor < 0 else sign
            other = _closed(self.write(right))
            product = exp.Mul(this=other, expression=_closed(self.literal(by, divisor)))
            return _BINARY[sign](this=_closed(self.write(of)), expression=product)
        if self.reads_column(right):
            return None
        moved = exp.Add(this=_closed(self.write(by)), expression=self.span(right, self.worked_out(right)))
        return _BINARY[sign](this=_closed(self.write(of)), expression=moved)

    def moved(self, tree: trees.Operation) -> exp.Expr:
        """A time plus or minus a constant span."""
        left, right = tree.operands
        time, span = (right, left) if self.types[left.number] == DURATION else (left, right)
        if self.types[tree.number] not in (DATE, TIMESTAMP) or self.reads_column(span):
            raise self.refused(tree, "a span of time that is no constant cannot be asked of the customer columns")
        kind = _BINARY[tree.operator]
        length = self.worked_out(span)
        if self.types[tree.number] == TIMESTAMP:
            return _closed(kind(this=_closed(self.write(time)), expression=self.span(span, length)))
        days = exp.Interval(this=exp.Literal.string(str(length.days)), unit=exp.var("DAY"))
        return exp.cast(kind(this=_closed(self.write(time)), expression=days), "date")

    def span(self, tree: Tree, length: timedelta) -> exp.Expr:
        micros = length // timedelta(microseconds=1)
        whole = micros % 1_000_000 == 0
        number, unit = (micros // 1_000_000, "SECOND") if whole else (micros, "MICROSECOND")
        return exp.Interval(this=exp.Literal.string(str(number)), unit=exp.var(unit))

    def macro(self, tree: trees.Macro) -> exp.Expr:
        if tree.quantifier not in ("all", "exists"):
            raise self.refused(tree, f"{tree.quantifier} cannot be asked of the customer columns")
        rounds: Sequence[Tree | Any]
        if is_written_out := isinstance(tree.over, trees.ListOf):
            rounds = tree.over.elements
        elif self.reads_column(tree.over):
            raise self.refused(tree, f"{tree.quantifier} cannot go over a column; write 'a' in c.column")
        else:
            rounds = tuple(self.worked_out(tree.over))
        if len(rounds) > MAX_ROUNDS:
            raise self.refused(tree, f"{tree.quantifier} over more than {MAX_ROUNDS} values is too long")
        found = [self.round(tree, one if is_written_out else None, one) for one in rounds]
        if not found:
            return exp.true() if tree.quantifier == "all" else exp.false()
        joined = _closed((exp.and_ if tree.quantifier == "all" else exp.or_)(*found, copy=False))
        return self.where_known(tree.over, joined) if isinstance(tree.over, trees.ListOf) else joined

    def where_known(self, among: trees.ListOf, claim: exp.Expr) -> exp.Expr:
        """A list with a missing value is no list: nothing is known of it, as in the closure."""
        read = [self.write(part) for part in among.elements if self.reads_column(part)]
        if not read:
            return claim
        known = (exp.Not(this=exp.Is(this=_closed(part), expression=exp.Null())) for part in read)
        return exp.Case().when(exp.and_(*known, copy=False), claim, copy=False)

    def round(self, tree: trees.Macro, element: Tree | None, value: Any) -> exp.Expr:
        """The body with the variable standing for one element, which is a part of the expression or a value."""
        outer = self.values, self.parts
        parts = {name: part for name, part in self.parts.items() if name != tree.variable}
        values = {name: one for name, one in self.values.items() if name != tree.variable}
        if element is not None and self.reads_column(element):
            parts[tree.variable] = _closed(self.write(element))
        else:
            values[tree.variable] = value if element is None else self.worked_out(element)
        self.values, self.parts = values, parts
        try:
            return self.write(tree.body)
        finally:
            self.values, self.parts = outer

    def compared_with_null(self, tree: trees.Operation) -> exp.Expr | None:
        left, right = tree.operands
        for value, other in ((left, right), (right, left)):
            if isinstance(other, trees.Literal) and other.value is None:
                test = exp.Is(this=self.write(value), expression=exp.Null())
                return test if tree.operator == "==" else exp.Not(this=test)
        return None

    def membership(self, value: Tree, among: Tree) -> exp.Expr:
        if self.reads_column(among):
            if isinstance(among, trees.ListOf):
                wanted = [self.write(part) for part in among.elements]
                return self.where_known(among, exp.In(this=self.write(value), expressions=wanted))
            return exp.ArrayContains(this=self.write(among), expression=self.write(value))
        found = self.worked_out(among)
        if not found:
            # nothing is in it, but of a missing value nothing is known, as in the closure
            missing = exp.Is(this=_closed(self.write(value)), expression=exp.Null())
            return exp.paren(exp.and_(missing, exp.Null(), copy=False), copy=False)
        return exp.In(this=self.write(value), expressions=[self.literal(among, one) for one in found])

    def call(self, tree: trees.Call) -> exp.Expr:
        found = overload(tree.function, tuple(self.types[part.number] for part in tree.arguments))
        assert found is not None, "infer refused it"
        if found.sql is None:
            raise self.refused(tree, f"{tree.function} cannot be asked of the customer columns")
        return found.sql(*(self.write(argument) for argument in tree.arguments))

    def literal(self, tree: Tree, value: Any) -> exp.Expr:
        match value:
            case None:
                return exp.Null()
            case bool():
                return exp.true() if value else exp.false()
            case int() | Decimal():
                # not abs(): it would round a decimal to 28 digits
                number = exp.Literal.number(str(abs(value)) if isinstance(value, int) else f"{value.copy_abs():f}")
                return exp.Neg(this=number) if value < 0 else number
            case str():
                return exp.Literal.string(value)
            case datetime():
                moment = value.astimezone(UTC).replace(tzinfo=None)
                return exp.cast(exp.Literal.string(moment.isoformat(" ")), "timestamp")
            case date():
                return exp.cast(exp.Literal.string(value.isoformat()), "date")
            case list() | tuple():
                return exp.Array(expressions=[self.literal(tree, one) for one in value])
            case _:
                raise self.refused(tree, f"a {kind_of(value)} cannot stand in a rule over customers")

    def refused(self, tree: Tree, message: str) -> InvalidExpression:
        return InvalidExpression([wrong(self.text, "E310", tree.at, message)])


def _is_quotient_or_difference(tree: Tree, types: Types) -> bool:
    """Of decimals, or of times."""
    if not isinstance(tree, trees.Operation) or len(tree.operands) != 2:
        return False
    sides = {types[part.number] for part in tree.operands}
    if tree.operator == "/":
        return types[tree.number] == DECIMAL
    return tree.operator == "-" and types[tree.number] == DURATION and sides <= {DATE, TIMESTAMP}


def _closed(sql: exp.Expr) -> exp.Expr:
    """In parentheses, unless nothing next to it could tear it apart."""
    # sqlglot counts AND, OR and some operators among its functions
    operators = isinstance(sql, exp.Binary | exp.Connector) and not isinstance(sql, exp.Column)
    atomic = isinstance(sql, exp.Column | exp.Literal | exp.Boolean | exp.Func | exp.Paren | exp.Null) and not operators
    return sql if atomic else exp.paren(sql, copy=False)
