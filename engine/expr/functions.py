"""The functions an expression may call: one entry each, named once in `FUNCTIONS`.

Each says what it takes, what it gives, and what it is in SQL; one that databases would answer differently has no SQL.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from engine.expr.calendar_parts import CLOCK_PARTS, DAY_PARTS, part_of
from engine.expr.conversions import (
    as_text,
    to_bool,
    to_bytes,
    to_date,
    to_decimal,
    to_double,
    to_duration,
    to_int,
    to_timestamp,
    to_uint,
)
from engine.expr.kinds import kind_of
from engine.expr.patterns import matches
from engine.expr.types import (
    BOOL,
    BYTES,
    DATE,
    DECIMAL,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    KIND,
    TEXT,
    TIMESTAMP,
    UINT,
    List,
    Map,
    Type,
)


def size(value: Any) -> int:
    """Signs of a text (not bytes), bytes, elements of a list, entries of a map."""
    return len(value)


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


_UNITS = {
    "getFullYear": "YEAR",
    "getMonth": "MONTH",
    "getDate": "DAY",
    "getDayOfMonth": "DAY",
    "getHours": "HOUR",
    "getMinutes": "MINUTE",
}


def _part(name: str) -> Callable[[exp.Expr], exp.Expr] | None:
    """A part that databases count alike; they differ in days of the week, and in seconds with a fraction."""
    if name not in _UNITS:
        return None

    def sql(time: exp.Expr) -> exp.Expr:
        found = exp.Extract(this=exp.var(_UNITS[name]), expression=time)
        from_zero = name in ("getMonth", "getDayOfMonth")
        return exp.paren(exp.Sub(this=found, expression=exp.Literal.number(1))) if from_zero else found

    return sql


FUNCTIONS: tuple[Function, ...] = (
    Function(
        "size",
        None,
        (
            Overload((TEXT,), INT, size, lambda text: exp.Length(this=text)),
            Overload((_ANY_LIST,), INT, size, lambda values: exp.ArraySize(this=values)),
            Overload((_ANY_MAP,), INT, size),
            Overload((BYTES,), INT, size),
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
            Overload((TEXT,), INT, to_int),  # in SQL, one text that is no number would end the query
            *(Overload((kind,), INT, to_int) for kind in (UINT, DOUBLE, TIMESTAMP)),
        ),
        "int('12')",
    ),
    Function(
        "uint",
        False,
        tuple(Overload((kind,), UINT, to_uint) for kind in (INT, UINT, DECIMAL, DOUBLE, TEXT)),
        "uint(12)",
    ),
    Function(
        "decimal",
        False,
        (
            Overload((TEXT,), DECIMAL, to_decimal),
            Overload((INT,), DECIMAL, to_decimal, _cast("decimal(38, 10)")),
            Overload((DECIMAL,), DECIMAL, to_decimal, lambda value: value),
            Overload((UINT,), DECIMAL, to_decimal),
        ),
        "decimal('0.7')",
    ),
    Function(
        "double",
        False,
        tuple(Overload((kind,), DOUBLE, to_double) for kind in (DECIMAL, INT, UINT, DOUBLE, TEXT)),
        "double('1.5')",
    ),
    Function("bool", False, tuple(Overload((kind,), BOOL, to_bool) for kind in (TEXT, BOOL)), "bool('true')"),
    Function(
        "string",
        False,
        (
            *(Overload((kind,), TEXT, as_text, _cast("varchar")) for kind in (INT, DECIMAL, TEXT, BOOL, DATE)),
            *(Overload((kind,), TEXT, as_text) for kind in (UINT, DOUBLE, BYTES, TIMESTAMP, DURATION)),
        ),
        "string(12)",
    ),
    Function("bytes", False, tuple(Overload((kind,), BYTES, to_bytes) for kind in (TEXT, BYTES)), "bytes('a')"),
    Function(
        "date",
        False,
        (Overload((TEXT,), DATE, to_date), Overload((TIMESTAMP,), DATE, to_date, _cast("date"))),
        "date('2026-11-01')",
    ),
    Function(
        "timestamp",
        False,
        tuple(Overload((kind,), TIMESTAMP, to_timestamp) for kind in (TEXT, INT, TIMESTAMP)),
        "timestamp('2026-11-01T08:00:00Z')",
    ),
    Function(
        "duration",
        False,
        tuple(Overload((kind,), DURATION, to_duration) for kind in (TEXT, DURATION)),
        "duration('720h')",
    ),
    *(
        Function(
            name,
            True,
            (
                Overload((DATE,), INT, part_of(name), _part(name)),
                Overload((TIMESTAMP,), INT, part_of(name), _part(name)),
                Overload((TIMESTAMP, TEXT), INT, part_of(name)),
            ),
            f"form.window.from.{name}()",
        )
        for name in DAY_PARTS
    ),
    *(
        Function(
            name,
            True,
            (
                Overload((TIMESTAMP,), INT, part_of(name), _part(name)),
                Overload((TIMESTAMP, TEXT), INT, part_of(name)),
                Overload((DURATION,), INT, part_of(name)),
            ),
            f"timestamp('2026-11-01T08:00:00Z').{name}('Asia/Shanghai')",
        )
        for name in CLOCK_PARTS
    ),
    Function("type", False, (Overload((DYN,), KIND, kind_of),), "type(form.budget) == decimal"),
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
