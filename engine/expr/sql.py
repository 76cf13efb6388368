"""The tree as a sqlglot tree: the reading that selects customers.

What does not depend on a column (`form.budget * 2`, `params.limit`) is worked out first and stands in the SQL as a
literal. A missing column value is NULL: a comparison with it holds neither way, as a missing field fails in the
closure. Refuses what SQL says differently on different databases: maps, macros over columns, timestamps.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, assert_never

from sqlglot import exp

from engine.errors import InvalidExpression
from engine.expr import tree as trees
from engine.expr.functions import overload
from engine.expr.infer import Types
from engine.expr.lexer import wrong
from engine.expr.tree import Tree, path_of, walk
from engine.expr.types import INT, TEXT, List

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


def to_sql(text: str, tree: Tree, types: Types, columns: Columns, worked_out: Callable[[Tree], Any]) -> exp.Expr:
    """The sqlglot tree of `tree`. `worked_out` gives the value of a part that reads no column."""
    return _Writer(text, types, columns, worked_out).write(tree)


class _Writer:
    def __init__(self, text: str, types: Types, columns: Columns, worked_out: Callable[[Tree], Any]) -> None:
        self.text = text
        self.types = types
        self.columns = columns
        self.rows = {path.split(".", 1)[0] for path in columns}
        self.worked_out = worked_out

    def reads_column(self, tree: Tree) -> bool:
        return any(isinstance(part, trees.Name) and part.name in self.rows for part in walk(tree))

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
            case trees.Name() | trees.Index() | trees.ListOf() | trees.MapOf() | trees.Macro() | trees.Literal():
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
        first, second = (_closed(self.write(part)) for part in tree.operands)
        match tree.operator:
            case "/":
                # by zero selects nobody instead of ending the query; whole numbers lose the fraction, as in the closure
                nonzero = exp.func("nullif", second, exp.Literal.number(0))
                quotient = exp.Div(this=exp.cast(first, "double"), expression=nonzero, typed=False, safe=False)
                whole = self.types[left.number] == self.types[right.number] == INT
                return exp.cast(exp.Trunc(this=quotient), "bigint") if whole else _closed(quotient)
            case "%":
                nonzero = exp.func("nullif", second, exp.Literal.number(0))
                return _closed(exp.Mod(this=first, expression=nonzero))
            case "+" if isinstance(self.types[tree.number], List):
                raise self.refused(tree, "lists cannot be joined in a rule over customers")
            case "+" if self.types[tree.number] == TEXT:
                return _closed(exp.DPipe(this=first, expression=second, safe=True))
            case sign:
                return _BINARY[sign](this=first, expression=second)

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
                return exp.In(this=self.write(value), expressions=wanted)
            return exp.ArrayContains(this=self.write(among), expression=self.write(value))
        found = self.worked_out(among)
        if not found:
            return exp.false()
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
                number = exp.Literal.number(str(abs(value)) if isinstance(value, int) else f"{abs(value):f}")
                return exp.Neg(this=number) if value < 0 else number
            case str():
                return exp.Literal.string(value)
            case datetime() | timedelta():
                raise self.refused(tree, "times of day cannot be compared with customer columns")
            case date():
                return exp.cast(exp.Literal.string(value.isoformat()), "date")
            case list() | tuple():
                return exp.Array(expressions=[self.literal(tree, one) for one in value])
            case _:
                raise self.refused(tree, f"a {type(value).__name__} cannot stand in a rule over customers")

    def refused(self, tree: Tree, message: str) -> InvalidExpression:
        return InvalidExpression([wrong(self.text, "E310", tree.at, message)])


def _closed(sql: exp.Expr) -> exp.Expr:
    """In parentheses, unless nothing next to it could tear it apart."""
    # sqlglot counts AND, OR and some operators among its functions
    operators = isinstance(sql, exp.Binary | exp.Connector) and not isinstance(sql, exp.Column)
    atomic = isinstance(sql, exp.Column | exp.Literal | exp.Boolean | exp.Func | exp.Paren | exp.Null) and not operators
    return sql if atomic else exp.paren(sql, copy=False)
