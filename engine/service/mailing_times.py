"""When a scheduled report goes: daily, weekly or monthly at a time of day in a zone, on any day or on working days.

Pure: the time and the calendar come in as arguments. A monthly one on the 31st goes on the last day of shorter months;
where only working days count, one that falls on a day off goes on the next working day. Refuses nothing: what makes no
sense is refused where it is entered.
"""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

Every = Literal["daily", "weekly", "monthly"]
_DAY = timedelta(days=1)


class Days(Protocol):
    """Which days people work."""

    def is_workday(self, day: date) -> bool:
        """Whether people work on `day`."""
        ...


@dataclass(frozen=True, slots=True)
class Times:
    """When it goes. `day`: of the week (0 is Monday) or of the month, 0 where daily."""

    every: Every
    day: int
    at: str
    zone: str
    workdays: bool


def next_time(times: Times, after: datetime, days: Days) -> datetime:
    """The first time after `after`, in UTC. An hour that the clocks leave out counts as the hour after it."""
    zone, clock = ZoneInfo(times.zone), time.fromisoformat(times.at)
    start = after.astimezone(zone).date() - timedelta(days=40)  # one planned before may fall on a working day after
    for planned in _planned(times, start):
        day = planned
        while times.workdays and times.every != "daily" and not days.is_workday(day):
            day += _DAY
        if times.workdays and not days.is_workday(day):
            continue
        moment = datetime.combine(day, clock, zone).astimezone(UTC)
        if moment > after:
            return moment
    raise AssertionError


def _planned(times: Times, start: date) -> Iterator[date]:
    """The days that were asked for, working or not."""
    day = start
    while True:
        match times.every:
            case "daily":
                yield day
            case "weekly":
                if day.weekday() == times.day:
                    yield day
            case "monthly":
                if day.day == min(times.day, calendar.monthrange(day.year, day.month)[1]):
                    yield day
        day += _DAY
