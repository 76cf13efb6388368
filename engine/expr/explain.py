"""Why a rule holds or not: the comparisons that decided it, with the values they saw.

Gives parts, not sentences: pages put words and units around them in the reader's language. Refuses to list what did
not matter: of an `||` that holds only the part that holds, of an `&&` that fails only the part that fails.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.expr.conversions import to_text
from engine.expr.evaluate import FAILURES
from engine.expr.kinds import Misfit
from engine.expr.tree import Conditional, Literal, Logic, Operation, Tree, path_of, walk


@dataclass(frozen=True, slots=True)
class Term:
    """One side of a comparison: its text, the field's path where it is one, and its value."""

    text: str
    value: Any
    path: str | None = None
    is_literal: bool = False

    def __str__(self) -> str:
        shown = _shown(self.value)
        return shown if self.is_literal or shown == self.text else f"{self.text} {shown}"


@dataclass(frozen=True, slots=True)
class Reason:
    """A condition that decided. `holds` is None where it could not be worked out (`failure` says why)."""

    text: str
    holds: bool | None
    operator: str = ""
    terms: tuple[Term, ...] = ()
    failure: str = ""

    def __str__(self) -> str:
        result = "unknown" if self.holds is None else str(self.holds).lower()
        if self.operator and len(self.terms) == 2:
            return f"{self.terms[0]} {self.operator} {self.terms[1]}: {result}"
        seen = ", ".join(map(str, self.terms))
        return f"{self.text}{f' ({seen})' if seen else ''}: {result}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The result of a rule and the conditions that decided it, in the order of the text."""

    value: Any
    reasons: tuple[Reason, ...]

    def __str__(self) -> str:
        return "; ".join(map(str, self.reasons))


def explained(text: str, tree: Tree, value_of: Callable[[Tree], Any]) -> Explanation:
    """`value_of` evaluates a part and may raise one of FAILURES."""
    return Explanation(_tried(tree, value_of)[0], tuple(_reasons(text, tree, value_of)))


def _tried(tree: Tree, value_of: Callable[[Tree], Any]) -> tuple[Any, str]:
    try:
        return value_of(tree), ""
    except FAILURES as error:
        return None, reason_of(error)


def _reasons(text: str, tree: Tree, value_of: Callable[[Tree], Any]) -> list[Reason]:
    match tree:
        case Logic():
            result, _ = _tried(tree, value_of)
            decided = result is (tree.operator == "||")
            parts = [part for part in tree.parts if not decided or _tried(part, value_of)[0] is result]
            # one part that decides is enough: the first, which is also the one that was evaluated
            return [reason for part in (parts[:1] if decided else parts) for reason in _reasons(text, part, value_of)]
        case Operation() if tree.operator == "!" and isinstance(tree.operands[0], Logic):
            return _reasons(text, tree.operands[0], value_of)
        case Conditional():
            condition, _ = _tried(tree.condition, value_of)
            branch = tree.yes if condition else tree.no
            return _reasons(text, tree.condition, value_of) + _reasons(text, branch, value_of)
        case _:
            return [_reason(text, tree, value_of)]


def _reason(text: str, tree: Tree, value_of: Callable[[Tree], Any]) -> Reason:
    holds, failure = _tried(tree, value_of)
    if isinstance(tree, Operation) and len(tree.operands) == 2:
        return Reason(
            text[tree.at : tree.end],
            holds,
            tree.operator,
            tuple(_term(text, operand, value_of) for operand in tree.operands),
            failure,
        )
    fields = [part for part in walk(tree) if path_of(part) and "." in (path_of(part) or "")]
    outer = [part for part in fields if not any(part.at == o.at and part.end < o.end for o in fields)]
    return Reason(text[tree.at : tree.end], holds, "", tuple(_term(text, part, value_of) for part in outer), failure)


def _term(text: str, tree: Tree, value_of: Callable[[Tree], Any]) -> Term:
    value, _ = _tried(tree, value_of)
    return Term(text[tree.at : tree.end], value, path_of(tree), isinstance(tree, Literal))


def _shown(value: Any) -> str:
    if value is None:
        return "(empty)"
    if isinstance(value, list | tuple | set | frozenset):
        return f"[{', '.join(map(_shown, value))}]"
    return to_text(value)


def reason_of(error: Exception) -> str:
    """What went wrong while a rule was worked out, in words."""
    match error:
        case KeyError():
            return f"{error.args[0]} is empty" if error.args else "a field is empty"
        case IndexError():
            return "the list is too short"
        case ZeroDivisionError():
            return "division by zero"
        case OverflowError():
            return "the time is out of range"
        case ArithmeticError():
            return "the result has too many digits"
        case UnicodeDecodeError():
            return "these bytes are no text"
        case Misfit():
            return str(error)
        case TypeError() if "NoneType" in str(error):
            return "a field is empty"
        case TypeError():
            return "these values do not go together"
        case _:
            return str(error)
