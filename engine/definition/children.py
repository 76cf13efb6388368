"""The expressions of a state that opens cases, with what each of them may name.

`for` sees the case; `pass` also `each`, the element a case is opened for; `join: {when: ...}` also `children`.
"""

from typing import TYPE_CHECKING

from engine.definition.lifecycle import Cases, Count
from engine.errors import ExpressionFailed, InvalidExpression
from engine.expr import Expression, Scope, compile_expression
from engine.expr.lexer import wrong
from engine.expr.types import BOOL, DYN, INT, List, Record, Type

if TYPE_CHECKING:
    from engine.definition.model import Definition

SUMS = Record(dict.fromkeys(("total", "done", "failed", "cancelled", "open"), INT), "children")


def formulas(
    state: Cases, scope: Scope
) -> tuple[Expression | None, tuple[tuple[str, Expression], ...], Expression | None]:
    """All of a state that `check` has passed: for each of what, what is passed, when it is done."""
    seen = passing(state, scope)
    passes = tuple((name, compile_expression(text, seen)) for name, text in state.pass_.items())
    rule = compile_expression(rule_of(state), scope.plus(children=SUMS), gives=BOOL) if rule_of(state) else None
    return source_of(state, scope), passes, rule


def opening_states(definition: "Definition") -> tuple[Cases, ...]:
    """The states of a definition that open cases."""
    if definition.lifecycle is None:
        return ()
    return tuple(state for _, _, state, _ in definition.lifecycle.walk() if isinstance(state, Cases))


def source_of(state: Cases, scope: Scope) -> Expression | None:
    """What `for` gives: a list, or a number. InvalidExpression for anything else."""
    if state.for_ is None:
        return None
    found = compile_expression(state.for_, scope)
    if found.type not in (INT, DYN) and not isinstance(found.type, List):
        raise InvalidExpression(
            [wrong(state.for_, "E305", 0, f"this must give a list or a number, it gives {found.type}")]
        )
    return found


def element_of(state: Cases, scope: Scope) -> Type:
    """The type of `each`."""
    try:
        found = source_of(state, scope)
    except (InvalidExpression, ExpressionFailed):
        return DYN
    if found is None:
        return DYN
    return found.type.of if isinstance(found.type, List) else found.type


def passing(state: Cases, scope: Scope) -> Scope:
    """What the expressions of `pass` may name."""
    return scope.plus(each=element_of(state, scope)) if state.for_ is not None else scope


def rule_of(state: Cases) -> str:
    """The text of `join: {when: ...}`; empty where it counts otherwise."""
    return (state.join.when or "") if isinstance(state.join, Count) else ""
