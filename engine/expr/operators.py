"""What the operators mean: which types they take, and how they compute.

Exact: sums and products of decimals never round (more than 60 digits is an error), a quotient of decimals has 34
digits, whole numbers stay within 64 bits as in CEL, and their quotient loses its fraction. Doubles compute as IEEE 754
has it, which Python refuses to where they are divided by zero.
"""

import math
import operator
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import Any

from engine.expr.conversions import INT_MAX, INT_MIN, bounded
from engine.expr.functions import accepts
from engine.expr.kinds import UINT_MAX, Misfit, Uint, kind_of
from engine.expr.types import (
    BYTES,
    COUNTED,
    DATE,
    DECIMAL,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    NUMBERS,
    TEXT,
    TIMESTAMP,
    UINT,
    List,
    Map,
    Record,
    Type,
)

RELATIONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
_SUMS: dict[tuple[Type, Type], Type] = {
    (TIMESTAMP, DURATION): TIMESTAMP,
    (DATE, DURATION): DATE,
    (DURATION, DURATION): DURATION,
    (TEXT, TEXT): TEXT,
    (BYTES, BYTES): BYTES,
}
_EXACT = Context(prec=60, Emax=999, Emin=-999, traps=[InvalidOperation, DivisionByZero, Overflow, Inexact])
_QUOTIENT = Context(prec=34, Emax=999, Emin=-999, traps=[InvalidOperation, DivisionByZero, Overflow])

Binary = Callable[[Any, Any], Any]


def comparable(left: Type, right: Type) -> bool:
    """Whether two values of these types can be equal at all."""
    if NULL in (left, right) or {left, right} <= COUNTED or accepts(left, right):
        return True
    match left, right:
        case List(), List():
            return comparable(left.of, right.of)
        case Map(), Map():
            return comparable(left.key, right.key) and comparable(left.value, right.value)
        case _:
            return isinstance(left, Record) and left is right


def arithmetic(sign: str, left: Type, right: Type) -> Type | None:
    """The type of `left sign right`, None where that has no meaning."""
    if DYN in (left, right):
        return DYN
    if left in COUNTED and right in COUNTED:
        return _of_numbers(sign, left, right)
    if sign == "-":
        if right == DURATION:
            return _SUMS.get((left, right))
        return DURATION if left == right and left in (TIMESTAMP, DATE) else None
    if sign != "+":
        return None
    if isinstance(left, List) and isinstance(right, List) and comparable(left.of, right.of):
        return left if accepts(left.of, right.of) and left.of != DYN else List(DYN)
    return _SUMS.get((left, right)) or _SUMS.get((right, left))


def _of_numbers(sign: str, left: Type, right: Type) -> Type | None:
    if left == right and (left in (INT, UINT) or (left == DOUBLE and sign != "%")):
        return left
    return DECIMAL if {left, right} <= NUMBERS and sign != "%" else None


def within(value: int) -> int:
    """`value`, if 64 bits hold it."""
    if INT_MIN <= value <= INT_MAX:
        return value
    raise ValueError("the whole number is too large")


def within_unsigned(value: int) -> Uint:
    """`value`, if 64 bits without a sign hold it."""
    if 0 <= value <= UINT_MAX:
        return Uint(value)
    raise ValueError("the unsigned number is too large or below zero")


def divide(left: int, right: int) -> int:
    """Toward zero, as CEL does (Python's // goes down)."""
    quotient = abs(left) // abs(right)
    return within(quotient if (left < 0) == (right < 0) else -quotient)


def remainder(left: int, right: int) -> int:
    """With the sign of `left`, as CEL does."""
    return left - right * divide(left, right)


def divide_doubles(left: float, right: float) -> float:
    """By zero gives infinity, or no number."""
    if right:
        return left / right
    return math.nan if math.isnan(left) or not left else math.copysign(math.inf, left) * math.copysign(1.0, right)


def negate(value: Any) -> Any:
    """Exact also for decimals, which Python's minus would round to 28 digits."""
    match value:
        case Decimal():
            return value.copy_negate()
        case bool() | Uint():
            raise Misfit(f"- has no meaning for a {kind_of(value)}")
        case int():
            return within(-value)
        case float():
            return -value
        case timedelta():
            return bounded(-value)
        case _:
            raise Misfit(f"- has no meaning for a {kind_of(value)}")


WHOLE: dict[str, Binary] = {
    "+": lambda left, right: within(left + right),
    "-": lambda left, right: within(left - right),
    "*": lambda left, right: within(left * right),
    "/": divide,
    "%": remainder,
}
UNSIGNED: dict[str, Binary] = {
    "+": lambda left, right: within_unsigned(int(left) + int(right)),
    "-": lambda left, right: within_unsigned(int(left) - int(right)),
    "*": lambda left, right: within_unsigned(int(left) * int(right)),
    "/": lambda left, right: within_unsigned(int(left) // int(right)),
    "%": lambda left, right: within_unsigned(int(left) % int(right)),
}
EXACT: dict[str, Binary] = {
    "+": _EXACT.add,
    "-": _EXACT.subtract,
    "*": _EXACT.multiply,
    "/": _QUOTIENT.divide,
}
DOUBLES: dict[str, Binary] = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": divide_doubles}


def _joined(left: Any, right: Any) -> Any:
    if isinstance(left, list | tuple):
        return [*left, *right]
    result = left + right
    return bounded(result) if isinstance(result, timedelta) else result


def _difference(left: Any, right: Any) -> Any:
    result = left - right
    return bounded(result) if isinstance(result, timedelta) else result


PLAIN: dict[str, Binary] = {"+": _joined, "-": _difference}
_JOINABLE = (str, bytes, list, tuple, date, datetime, timedelta)


def of_type(sign: str, left: Type, right: Type) -> Binary:
    """How `left sign right` is computed, for types that `arithmetic` took."""
    if DYN in (left, right):
        return unknown(sign)
    if left == right and left in (INT, UINT, DOUBLE):
        return {INT: WHOLE, UINT: UNSIGNED, DOUBLE: DOUBLES}[left][sign]
    return (EXACT if left in NUMBERS else PLAIN)[sign]


def unknown(sign: str) -> Binary:
    """The operator for operands whose types are known only now."""

    def run(left: Any, right: Any) -> Any:
        match left, right:
            case (bool(), _) | (_, bool()):
                raise Misfit(f"{sign} has no meaning for true and false")
            case Uint(), Uint():
                return UNSIGNED[sign](left, right)
            case (Uint(), _) | (_, Uint()):
                pass
            case int(), int():
                return WHOLE[sign](left, right)
            case ((int() | Decimal()), (int() | Decimal())) if sign in EXACT:
                return EXACT[sign](left, right)
            case float(), float() if sign in DOUBLES:
                return DOUBLES[sign](left, right)
            case _ if sign in PLAIN and isinstance(left, _JOINABLE) and isinstance(right, _JOINABLE):
                return PLAIN[sign](left, right)
        raise Misfit(f"{kind_of(left)} {sign} {kind_of(right)} has no meaning")

    return run
