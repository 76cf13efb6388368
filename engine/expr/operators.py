"""What the operators mean: which types they take, and how they compute.

Exact: sums and products of decimals never round (more than 60 digits is an error), whole numbers stay within 64 bits as
in CEL, and a quotient of whole numbers loses its fraction, as in CEL.
"""

import operator
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import Any

from engine.expr.functions import accepts
from engine.expr.lexer import INT_MAX, INT_MIN
from engine.expr.types import DATE, DECIMAL, DURATION, DYN, INT, NULL, NUMBERS, TEXT, TIMESTAMP, List, Record, Type

RELATIONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
_SUMS: dict[tuple[Type, Type], Type] = {
    (TIMESTAMP, DURATION): TIMESTAMP,
    (DATE, DURATION): DATE,
    (DURATION, DURATION): DURATION,
}
_EXACT = Context(prec=60, traps=[InvalidOperation, DivisionByZero, Overflow, Inexact])
_QUOTIENT = Context(prec=34, traps=[InvalidOperation, DivisionByZero, Overflow])

Binary = Callable[[Any, Any], Any]


def comparable(left: Type, right: Type) -> bool:
    """Whether two values of these types can be equal at all."""
    if NULL in (left, right) or {left, right} == NUMBERS or accepts(left, right):
        return True
    match left, right:
        case List(), List():
            return comparable(left.of, right.of)
        case _:
            return isinstance(left, Record) and left is right


def arithmetic(sign: str, left: Type, right: Type) -> Type | None:
    """The type of `left sign right`, None where that has no meaning."""
    if DYN in (left, right):
        return DYN
    if left in NUMBERS and right in NUMBERS:
        whole = left == right == INT
        return (INT if whole else DECIMAL) if whole or sign != "%" else None
    if sign == "-":
        return DURATION if left == right and left in (TIMESTAMP, DATE) else _SUMS.get((left, right))
    if sign != "+":
        return None
    if isinstance(left, List) and isinstance(right, List) and comparable(left.of, right.of):
        return left
    return TEXT if left == right == TEXT else _SUMS.get((left, right)) or _SUMS.get((right, left))


def within(value: int) -> int:
    """`value`, if 64 bits hold it."""
    if INT_MIN <= value <= INT_MAX:
        return value
    raise ValueError("the whole number is too large")


def divide(left: int, right: int) -> int:
    """Toward zero, as CEL does (Python's // goes down)."""
    quotient = abs(left) // abs(right)
    return within(quotient if (left < 0) == (right < 0) else -quotient)


def remainder(left: int, right: int) -> int:
    """With the sign of `left`, as CEL does."""
    return left - right * divide(left, right)


WHOLE: dict[str, Binary] = {
    "+": lambda left, right: within(left + right),
    "-": lambda left, right: within(left - right),
    "*": lambda left, right: within(left * right),
    "/": divide,
    "%": remainder,
}
EXACT: dict[str, Binary] = {
    "+": _EXACT.add,
    "-": _EXACT.subtract,
    "*": _EXACT.multiply,
    "/": _QUOTIENT.divide,
}
PLAIN: dict[str, Binary] = {"+": operator.add, "-": operator.sub}


def unknown(sign: str) -> Binary:
    """The operator for operands whose types are known only now."""

    def run(left: Any, right: Any) -> Any:
        if isinstance(left, bool) or isinstance(right, bool):
            raise TypeError(f"{sign} has no meaning for true and false")
        if isinstance(left, int) and isinstance(right, int):
            return WHOLE[sign](left, right)
        if isinstance(left, int | Decimal) and isinstance(right, int | Decimal) and sign in EXACT:
            return EXACT[sign](left, right)
        if sign in PLAIN and isinstance(left, str | list | date | datetime | timedelta):
            return PLAIN[sign](left, right)
        raise TypeError(f"{type(left).__name__} {sign} {type(right).__name__} has no meaning")

    return run


def equal(left: Any, right: Any) -> bool:
    """Equality for types known only now: true is not 1, and different kinds are never equal."""
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return bool(left == right)


def ordered(compare: Binary) -> Binary:
    """An order for types known only now: true and false have none with numbers."""

    def run(left: Any, right: Any) -> bool:
        if isinstance(left, bool) is not isinstance(right, bool):
            raise TypeError("true and false have no order with numbers")
        return bool(compare(left, right))

    return run
