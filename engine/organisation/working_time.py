"""How much of a span of time people worked: office hours of working days. Implements `engine.evaluation.process.Hours`.

A long log asks for very many spans, so the working days of a year are counted once. A span that ends before it begins
holds no working time.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import accumulate

from engine.organisation.workdays import OfficeHours

_DAY = timedelta(days=1)


def on_weekdays(day: date) -> bool:
    """Monday to Friday, without any holiday."""
    return day.weekday() < 5


class WorkingTime:
    """The office `hours` of the days that `is_workday` names, in one zone."""

    def __init__(self, is_workday: Callable[[date], bool], hours: OfficeHours, zone: tzinfo) -> None:
        self.is_workday = is_workday
        self.zone = zone
        self._opens = _seconds(hours.opens)
        self._whole = _seconds(hours.closes) - self._opens
        self._years: dict[int, tuple[int, ...]] = {}

    def worked(self, start: datetime, end: datetime) -> float:
        """The working seconds from `start` to `end`."""
        if end <= start:
            return 0.0
        first, last = start.astimezone(self.zone), end.astimezone(self.zone)
        days = self._days(last.date()) - self._days(first.date())
        days += sum(self._days_of(year)[-1] for year in range(first.year, last.year))
        return days * self._whole + self._on(last) - self._on(first)

    def _on(self, local: datetime) -> float:
        """The working seconds of its own day before `local`."""
        if not self.is_workday(local.date()):
            return 0.0
        return min(max(_seconds(local.time()) - self._opens, 0.0), self._whole)

    def _days(self, day: date) -> int:
        """The working days of its year before `day`."""
        return self._days_of(day.year)[day.timetuple().tm_yday - 1]

    def _days_of(self, year: int) -> tuple[int, ...]:
        """How many working days of the year lie before its first day, its second, and so on; all of them at the end."""
        found = self._years.get(year)
        if found is None:
            first = date(year, 1, 1)
            length = 366 if (first + 365 * _DAY).year == year else 365
            days = (self.is_workday(first + number * _DAY) for number in range(length))
            found = self._years[year] = tuple(accumulate(days, initial=0))
        return found


def _seconds(clock: time) -> float:
    return clock.hour * 3600 + clock.minute * 60 + clock.second + clock.microsecond / 1_000_000
