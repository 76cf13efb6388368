"""What the values of an expression are while it runs: their kind, their equality and their order, as CEL has them.

For operands whose types are known only now, and for those that Python would compare otherwise: true is not 1, a double
that is no number equals nothing, not even itself. Refuses an order between values of different kinds.
"""

import math
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.expr.types import KINDS, Simple

UINT_MAX = 2**64 - 1


class Misfit(TypeError):
    """A value of a kind that the operation has no meaning for; its text is for the author of the rule."""


class Uint(int):
    """An unsigned whole number: equal to the same int, but it adds only to its like."""

    __slots__ = ()


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "bool"),
    (Uint, "uint"),
    (int, "int"),
    (Decimal, "decimal"),
    (float, "double"),
    (str, "string"),
    (bytes, "bytes"),
    (datetime, "timestamp"),
    (date, "date"),
    (timedelta, "duration"),
    (Simple, "type"),
    (Mapping, "map"),
    (type(None), "null_type"),
)


def kind_of(value: Any) -> Simple:
    """What `type(value)` gives; every collection that is no map is a list."""
    return KINDS[next((name for python, name in _KINDS if isinstance(value, python)), "list")]


def equal(left: Any, right: Any) -> bool:
    """Equality across kinds: numbers by their value, lists and maps part by part, anything else is not equal."""
    match left, right:
        case bool(), _:
            return left is right
        case _, bool():
            return False
        case (float(), int()) | (int(), float()):
            return float(left) == float(right)
        case (list() | tuple(), list() | tuple()):
            return len(left) == len(right) and all(map(equal, left, right))
        case (Mapping(), Mapping()):
            return len(left) == len(right) and all(has_key(right, k) and equal(left[k], right[k]) for k in left)
        case _:
            return bool(left == right)


def has_key(of: Mapping[Any, Any], key: Any) -> bool:
    """Whether the map has `key`; Python alone would take true for 1."""
    if key not in of:
        return False
    return not isinstance(key, int) or any(isinstance(one, bool) is isinstance(key, bool) for one in of if one == key)


def contains(among: Collection[Any], value: Any) -> bool:
    """`value in among`, by `equal`."""
    return has_key(among, value) if isinstance(among, Mapping) else any(equal(value, one) for one in among)


def order(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
    """An order for values whose types are known only now."""

    def run(left: Any, right: Any) -> bool:
        if isinstance(left, bool) is not isinstance(right, bool):
            raise Misfit("true and false have no order with numbers")
        if isinstance(left, list | tuple | Simple):
            raise Misfit(f"a {kind_of(left)} has no order")
        if isinstance(left, float) or isinstance(right, float):
            return _compare_doubles(compare, left, right)
        return bool(compare(left, right))

    return run


def _compare_doubles(compare: Callable[[Any, Any], Any], left: Any, right: Any) -> bool:
    """As CEL: whole numbers are rounded to doubles first; Decimal would raise where the other is no number."""
    if any(isinstance(one, float) and math.isnan(one) for one in (left, right)):
        return False
    first, second = (float(one) if isinstance(one, int) else one for one in (left, right))
    return bool(compare(first, second))
