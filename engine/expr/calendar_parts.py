"""Parts of a time, as CEL counts them: months, days of the month and of the year from 0, Sunday is 0, `getDate` from 1.

A timestamp is read in UTC unless the call names a zone (`Asia/Shanghai`, `+08:00`). Refuses to guess the office's zone:
the same rule must give the same answer everywhere.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.expr.kinds import Misfit

_OFFSET = re.compile(r"([+-]?)([0-9]{2}):([0-9]{2})")


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """The zone of a name or an offset; ValueError where there is none."""
    if offset := _OFFSET.fullmatch(name):
        span = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(-span if offset[1] == "-" else span)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}; write Asia/Shanghai or +08:00") from None


DAY_PARTS: Mapping[str, Callable[[date], int]] = {
    "getFullYear": lambda day: day.year,
    "getMonth": lambda day: day.month - 1,
    "getDate": lambda day: day.day,
    "getDayOfMonth": lambda day: day.day - 1,
    "getDayOfWeek": lambda day: day.isoweekday() % 7,
    "getDayOfYear": lambda day: day.timetuple().tm_yday - 1,
}
CLOCK_PARTS: Mapping[str, Callable[[datetime], int]] = {
    "getHours": lambda moment: moment.hour,
    "getMinutes": lambda moment: moment.minute,
    "getSeconds": lambda moment: moment.second,
    "getMilliseconds": lambda moment: moment.microsecond // 1000,
}
_SPANS: Mapping[str, Callable[[timedelta], int]] = {
    "getHours": lambda span: _toward_zero(span, timedelta(hours=1)),
    "getMinutes": lambda span: _toward_zero(span, timedelta(minutes=1)),
    "getSeconds": lambda span: _toward_zero(span, timedelta(seconds=1)),
    "getMilliseconds": lambda span: _toward_zero(span, timedelta(milliseconds=1)) % 1000,
}
"""Of a duration, the first three count the whole of it, the last only the part of the second."""


def part_of(name: str) -> Callable[..., int]:
    """The function `name`, over a date, a timestamp (with a zone) or a duration."""

    def run(value: Any, where: str = "UTC") -> int:
        match value:
            case timedelta() if name in _SPANS:
                return _SPANS[name](value)
            case datetime():
                moment = value.astimezone(zone(where) if where != "UTC" else UTC)
                return DAY_PARTS[name](moment) if name in DAY_PARTS else CLOCK_PARTS[name](moment)
            case date() if name in DAY_PARTS:
                return DAY_PARTS[name](value)
            case _:
                raise Misfit(f"{name} is asked of a time")

    return run


def _toward_zero(span: timedelta, unit: timedelta) -> int:
    return span // unit if span >= timedelta(0) else -(-span // unit)
