"""An expression as the rest of the engine holds it: checked once, then read in three ways."""

from typing import Any

from sqlglot import exp

from engine.errors import ExpressionFailed, InvalidExpression, Problem
from engine.expr.evaluate import FAILURES, Values, compiled, with_budget
from engine.expr.explain import Explanation, explained, reason_of
from engine.expr.functions import accepts
from engine.expr.infer import Types, infer
from engine.expr.lexer import wrong
from engine.expr.naming import Spliced, spliced
from engine.expr.parse import parse
from engine.expr.sql import Columns, to_sql
from engine.expr.tree import Has, Macro, Name, Tree, path_of, walk
from engine.expr.types import Scope, Type


class Expression:
    """A checked expression; make one with `compile_expression`."""

    __slots__ = ("_run", "_types", "has_macros", "text", "tree", "type")

    def __init__(self, text: str, tree: Tree, types: Types) -> None:
        self.text = text
        self.tree = tree
        self.type: Type = types[tree.number]
        self.has_macros = any(isinstance(part, Macro) for part in walk(tree))
        self._types = types
        self._run = compiled(tree, types)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def evaluate(self, values: Values) -> Any:
        """The value. ExpressionFailed where a field it needs is empty, or on a division by zero and the like."""
        try:
            return self._run(with_budget(values) if self.has_macros else values)
        except FAILURES as error:
            raise ExpressionFailed(rule=self.text, reason=reason_of(error)) from error

    def holds(self, values: Values) -> bool:
        """Whether it is true; one that cannot be worked out does not hold."""
        try:
            return self._run(with_budget(values) if self.has_macros else values) is True
        except FAILURES:
            return False

    def explain(self, values: Values) -> Explanation:
        """The value with the comparisons that decided it. Never raises: what fails is told in the explanation."""
        seen = with_budget(values)
        return explained(self.text, self.tree, lambda part: compiled(part, self._types)(seen))

    def sql(self, columns: Columns, values: Values | None = None) -> exp.Expr:
        """The condition over `columns`; all other names are taken from `values` and stand in it as literals.

        InvalidExpression where a part has no meaning in SQL.
        """
        seen = with_budget(values or {})

        def worked_out(part: Tree, variables: Values) -> Any:
            try:
                return compiled(part, self._types)({**seen, **variables})
            except FAILURES as error:
                raise ExpressionFailed(rule=self.text, reason=reason_of(error)) from error

        return to_sql(self.text, self.tree, self._types, columns, worked_out)

    @property
    def paths(self) -> frozenset[str]:
        """All fields it reads, as `form.window.from`; of a path also what it starts with (`form.window`)."""
        found = {path for part in walk(self.tree) if (path := path_of(part)) and not isinstance(part, Name)}
        return frozenset(found | self.guarded)

    @property
    def guarded(self) -> frozenset[str]:
        """The fields that it asks `has(...)` about."""
        return frozenset(
            f"{path_of(part.of)}.{part.field}" for part in walk(self.tree) if isinstance(part, Has) and path_of(part.of)
        )


def compile_expression(text: str, scope: Scope, *, gives: Type | None = None) -> Expression:
    """Read and check `text`. InvalidExpression with all problems, each at its line and column of `text`.

    `gives` is the type it must have, BOOL for a rule. Named rules of the scope are put in place first.
    """
    whole = spliced(text, scope.rules)
    try:
        return _compiled(whole.text, scope, gives)
    except InvalidExpression as error:
        if whole.text == text:
            raise
        raise InvalidExpression([_as_written(problem, text, whole) for problem in error.problems]) from None


def _compiled(text: str, scope: Scope, gives: Type | None) -> Expression:
    tree = parse(text)
    types, problems = infer(text, tree, scope)
    result = types[tree.number]
    if gives is not None and not problems and not accepts(gives, result):
        problems.append(wrong(text, "E305", tree.at, f"this must give {gives}, it gives {result}"))
    if problems:
        raise InvalidExpression(problems)
    return Expression(text, tree, types)


def _as_written(problem: Problem, text: str, whole: Spliced) -> Problem:
    at = whole.original(problem.fields["offset"])
    return wrong(text, problem.code, at, problem.message, problem.hint)
