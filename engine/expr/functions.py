"""The functions an expression may call: one entry each, named once in `FUNCTIONS`.

Refuses patterns that could run for hours (CEL promises linear time, Python's `re` does not): no group that repeats may
contain a repetition, no look-around, no back-reference.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from sqlglot import exp

from engine.expr.lexer import INT_MAX, INT_MIN
from engine.expr.types import BOOL, DATE, DECIMAL, DURATION, DYN, INT, TEXT, TIMESTAMP, List, Map, Type

MAX_SUBJECT = 20_000
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
_RISKY = re.compile(r"\(\?(?!:|i\))|\\[1-9]|[+*}]\s*\)\s*[+*{]|\([^()]*[+*}|][^()]*\)\s*[+*{]")


def size(value: Any) -> int:
    """Signs of a text (not bytes), elements of a list, entries of a map."""
    return len(value)


@lru_cache(maxsize=256)
def pattern(text: str) -> re.Pattern[str]:
    """The pattern, compiled; ValueError where it is wrong or could take exponential time."""
    if _RISKY.search(text):
        raise ValueError("the pattern nests repetitions or looks around; write it without")
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"the pattern is wrong: {error}") from None


def matches(text: str, wanted: str) -> bool:
    """Whether the pattern is found anywhere in the text."""
    if len(text) > MAX_SUBJECT:
        raise ValueError("the text is too long to be matched")
    return pattern(wanted).search(text) is not None


def to_int(value: Any) -> int:
    """A decimal loses its fraction; a timestamp gives seconds since 1970."""
    if isinstance(value, datetime):
        result = int(value.timestamp())
    elif isinstance(value, str):
        if not re.fullmatch(r"[+-]?[0-9]+", value):
            raise ValueError(f"not a whole number: {value!r}")
        result = int(value)
    else:
        result = int(value)
    if not INT_MIN <= result <= INT_MAX:
        raise ValueError("the number is too large")
    return result


def to_decimal(value: Any) -> Decimal:
    """Exact: a text keeps every digit."""
    try:
        result = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"not a number: {value!r}") from None
    if not result.is_finite():
        raise ValueError(f"not a number: {value!r}")
    return result


def to_text(value: Any) -> str:
    """As it would be written in an expression."""
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            return f"{Decimal(value // timedelta(microseconds=1)) / 1_000_000:f}s"
        case date():
            return value.isoformat()
        case _:
            return str(value)


def to_date(value: Any) -> date:
    """`2026-11-01`, or the day of a timestamp in UTC."""
    return value.astimezone(UTC).date() if isinstance(value, datetime) else date.fromisoformat(value)


def to_timestamp(value: str) -> datetime:
    """RFC 3339; a time without zone is refused."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"a timestamp needs a zone, as {value}Z")
    return moment


def to_duration(value: str) -> timedelta:
    """`72h`, `1h30m`, `2d`. Working days are no duration: their length depends on the calendar."""
    match = _SPAN.fullmatch(value)
    if match is None:
        raise ValueError(f"not a duration: {value!r}; write 72h, 1h30m or 2d")
    total = sum(Decimal(number) * _MICROSECONDS[unit] for number, unit in _SPAN_PART.findall(match[2]))
    return timedelta(microseconds=int(-total if match[1] == "-" else total))


@dataclass(frozen=True, slots=True)
class Overload:
    """What a function takes (the value before the dot first), gives, and how each reading carries it out."""

    takes: tuple[Type, ...]
    gives: Type
    run: Callable[..., Any]
    sql: Callable[..., exp.Expr] | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """One function. `is_member`: called as `a.f(b)`; None = either way."""

    name: str
    is_member: bool | None
    overloads: tuple[Overload, ...]
    example: str


_ANY_LIST, _ANY_MAP = List(DYN), Map(DYN, DYN)
_TWO_TEXTS = (TEXT, TEXT)


def _position(text: exp.Expr, part: exp.Expr) -> exp.Expr:
    return exp.GT(this=exp.StrPosition(this=text, substr=part), expression=exp.Literal.number(0))


def _starts(text: exp.Expr, part: exp.Expr) -> exp.Expr:
    return exp.EQ(this=exp.Left(this=text, expression=exp.Length(this=part.copy())), expression=part)


def _ends(text: exp.Expr, part: exp.Expr) -> exp.Expr:
    return exp.EQ(this=exp.Right(this=text, expression=exp.Length(this=part.copy())), expression=part)


def _cast(to: str) -> Callable[[exp.Expr], exp.Expr]:
    return lambda value: exp.cast(value, to)


FUNCTIONS: tuple[Function, ...] = (
    Function(
        "size",
        None,
        (
            Overload((TEXT,), INT, size, lambda text: exp.Length(this=text)),
            Overload((_ANY_LIST,), INT, size, lambda values: exp.ArraySize(this=values)),
            Overload((_ANY_MAP,), INT, size),
        ),
        "size(form.channels)",
    ),
    Function(
        "contains", True, (Overload(_TWO_TEXTS, BOOL, lambda text, part: part in text, _position),), "a.contains('x')"
    ),
    Function("startsWith", True, (Overload(_TWO_TEXTS, BOOL, str.startswith, _starts),), "a.startsWith('x')"),
    Function("endsWith", True, (Overload(_TWO_TEXTS, BOOL, str.endswith, _ends),), "a.endsWith('x')"),
    Function(
        "matches",
        None,
        (Overload(_TWO_TEXTS, BOOL, matches, lambda text, wanted: exp.RegexpLike(this=text, expression=wanted)),),
        "a.matches('^1[3-9]')",
    ),
    Function(
        "int",
        False,
        (
            Overload((INT,), INT, to_int, _cast("bigint")),
            Overload((DECIMAL,), INT, to_int, lambda value: exp.cast(exp.Trunc(this=value), "bigint")),
            Overload((TEXT,), INT, to_int, _cast("bigint")),
            Overload((TIMESTAMP,), INT, to_int),
        ),
        "int('12')",
    ),
    Function(
        "decimal",
        False,
        (
            Overload((TEXT,), DECIMAL, to_decimal, _cast("decimal(38, 10)")),
            Overload((INT,), DECIMAL, to_decimal, _cast("decimal(38, 10)")),
            Overload((DECIMAL,), DECIMAL, to_decimal, lambda value: value),
        ),
        "decimal('0.7')",
    ),
    Function("string", False, (Overload((DYN,), TEXT, to_text, _cast("varchar")),), "string(12)"),
    Function(
        "date",
        False,
        (Overload((TEXT,), DATE, to_date, _cast("date")), Overload((TIMESTAMP,), DATE, to_date, _cast("date"))),
        "date('2026-11-01')",
    ),
    Function("timestamp", False, (Overload((TEXT,), TIMESTAMP, to_timestamp),), "timestamp('2026-11-01T08:00:00Z')"),
    Function("duration", False, (Overload((TEXT,), DURATION, to_duration),), "duration('720h')"),
    Function("dyn", False, (Overload((DYN,), DYN, lambda value: value),), "dyn(form.budget)"),
)
BY_NAME: dict[str, Function] = {function.name: function for function in FUNCTIONS}


def accepts(wanted: Type, given: Type) -> bool:
    """Whether a value of type `given` may stand where `wanted` is asked for."""
    if DYN in (wanted, given) or wanted == given:
        return True
    match wanted, given:
        case List(), List():
            return accepts(wanted.of, given.of)
        case Map(), Map():
            return accepts(wanted.key, given.key) and accepts(wanted.value, given.value)
        case _:
            return False


def overload(name: str, arguments: tuple[Type, ...]) -> Overload | None:
    """The overload that takes `arguments`, None if there is none."""
    return next(
        (
            one
            for one in BY_NAME[name].overloads
            if len(one.takes) == len(arguments) and all(map(accepts, one.takes, arguments))
        ),
        None,
    )
