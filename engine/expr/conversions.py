"""From one type to another, as a rule writes it out: `int(...)`, `decimal(...)`, `string(...)`.

Exact: a decimal never passes through a double. Refuses what would lose more than the conversion says: a number that the
type cannot hold, bytes that are no UTF-8, a text that is no number.
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.expr.kinds import UINT_MAX, Misfit, Uint, kind_of

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
MAX_EXPONENT = 400
"""Beyond what a double holds; a larger one would need gigabytes to be written out."""
_DIGITS = re.compile(r"[+-]?[0-9]{1,40}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|NaN|[+-]?(inf|Infinity)")
_TRUTH = {"1": True, "t": True, "true": True, "TRUE": True, "True": True} | {
    "0": False,
    "f": False,
    "false": False,
    "FALSE": False,
    "False": False,
}
_SPAN = re.compile(r"([+-]?)((?:[0-9]+(?:\.[0-9]+)?(?:ns|us|ms|d|h|m|s))+)")
_SPAN_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|ms|d|h|m|s)")
_MICROSECONDS = {
    "ns": Decimal("0.001"),
    "us": Decimal(1),
    "ms": Decimal(1_000),
    "s": Decimal(1_000_000),
    "m": Decimal(60_000_000),
    "h": Decimal(3_600_000_000),
    "d": Decimal(86_400_000_000),
}
LONGEST = timedelta(microseconds=2**63 // 1000)
"""About 292 years: CEL's durations are 64-bit nanoseconds."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _short(value: Any) -> str:
    """The value as a message shows it: a whole form text would drown what the message says."""
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _whole(value: Any, low: int, high: int) -> int:
    match value:
        case bool():
            raise Misfit("true and false are no numbers")
        case float() if not (low < value < high + 1 or value == low == 0):  # CEL refuses the lowest int as a double
            raise ValueError("the number is too large")
        case datetime():
            result = (value - _EPOCH) // timedelta(seconds=1)
        case str():
            if not _DIGITS.fullmatch(value):
                raise ValueError(f"not a whole number: {_short(value)}")
            result = int(value)
        case int() | float() | Decimal():
            result = int(value)
        case _:
            raise Misfit(f"a {kind_of(value)} is no number")
    if not low <= result <= high:
        raise ValueError("the number is too large")
    return result


def to_int(value: Any) -> int:
    """A fraction is cut off; a timestamp gives seconds since 1970."""
    return _whole(value, INT_MIN, INT_MAX)


def to_uint(value: Any) -> Uint:
    """A fraction is cut off; a negative number is an error."""
    return Uint(_whole(value, 0, UINT_MAX))


def to_decimal(value: Any) -> Decimal:
    """Exact: a text keeps every digit."""
    if isinstance(value, bool | float):
        raise Misfit("a double has no exact decimal; write decimal(string(x))")
    try:
        result = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"not a number: {_short(value)}") from None
    if not result.is_finite():
        raise ValueError(f"not a number: {_short(value)}")
    if abs(result.adjusted()) > MAX_EXPONENT:
        raise ValueError(f"the number is too large or too small: {_short(value)}")
    return result


def to_double(value: Any) -> float:
    """The nearest binary number: 0.1 is not exactly 0.1 any more."""
    if isinstance(value, bool) or (isinstance(value, str) and not _NUMBER.fullmatch(value)):
        raise ValueError(f"not a number: {_short(value)}")
    return float(value)


def to_bool(value: Any) -> bool:
    """`true`, `t` or `1`; `false`, `f` or `0`."""
    if isinstance(value, bool):
        return value
    if value not in _TRUTH:
        raise ValueError(f"neither true nor false: {_short(value)}")
    return _TRUTH[value]


def to_bytes(value: Any) -> bytes:
    """A text as UTF-8."""
    return value if isinstance(value, bytes) else str.encode(value)


def to_text(value: Any) -> str:
    """As it would be written in an expression."""
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case bytes():
            return value.decode()
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            micros = value // timedelta(microseconds=1)
            return f"{micros // 10**6}s" if micros % 10**6 == 0 else f"{Decimal(micros) / 1_000_000:f}s"
        case date():
            return value.isoformat()
        case _:
            return str(value)


def as_text(value: Any) -> str:
    """`string(value)`; an empty field, a list or a map has no text."""
    if value is None or kind_of(value).name in ("list", "map"):
        raise Misfit(f"a {kind_of(value)} has no text")
    return to_text(value)


def to_date(value: Any) -> date:
    """`2026-11-01`, or the day of a timestamp in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).date()
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"not a date: {_short(value)}; write 2026-11-01") from None


def to_timestamp(value: Any) -> datetime:
    """RFC 3339, or seconds since 1970; a time without zone is refused. Kept to the microsecond, as databases do."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, int):
        return _EPOCH + timedelta(seconds=value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"not a timestamp: {_short(value)}; write 2026-11-01T08:00:00+08:00") from None
    if moment.tzinfo is None:
        raise ValueError(f"a timestamp needs a zone, as {value}Z")
    return moment


def to_duration(value: Any) -> timedelta:
    """`72h`, `1h30m`, `2d`. Working days are no duration: their length depends on the calendar."""
    if isinstance(value, timedelta):
        return value
    match = _SPAN.fullmatch(value)
    if match is None:
        raise ValueError(f"not a duration: {_short(value)}; write 72h, 1h30m or 2d")
    total = sum(Decimal(number) * _MICROSECONDS[unit] for number, unit in _SPAN_PART.findall(match[2]))
    return bounded(timedelta(microseconds=int(-total if match[1] == "-" else total)))


def bounded(span: timedelta) -> timedelta:
    """`span`, if it is no longer than CEL's durations."""
    if abs(span) > LONGEST:
        raise ValueError("the duration is too long")
    return span
