"""Deadlines on China's working days, with the make-up days of the State Council's notices (library chinesecalendar).

The notice of a year appears in the autumn before. Until then Monday to Friday are taken as working days, and
`published` says so: whoever shows such a deadline can add that it may still move.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar
from chinese_calendar.constants import holidays

from engine.values import Duration

PUBLISHED = frozenset(day.year for day in holidays)
_DAY = timedelta(days=1)


class Workdays:
    """The calendar `cn` in one time zone. Implements `engine.machine.process.Calendar`."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._known: dict[date, bool] = {}  # the library searches its whole table at each call

    @staticmethod
    def published(year: int) -> bool:
        """Whether the notice of `year` is known; if not, its days are a guess."""
        return year in PUBLISHED

    def is_workday(self, day: date) -> bool:
        """Whether people work on `day`."""
        found = self._known.get(day)
        if found is None:
            found = bool(chinese_calendar.is_workday(day)) if self.published(day.year) else day.weekday() < 5
            self._known[day] = found
        return found

    def due(self, start: datetime, duration: Duration) -> datetime:
        """When `duration` after `start` is over, in the zone of `start`.

        `3wd` is the same time of day three working days on. A span that starts on a day off starts with the next
        working day.
        """
        if not duration.is_working:
            return start + duration.on_the_clock()
        local = start.astimezone(self.zone)
        day, clock = local.date(), local.time()
        if not self.is_workday(day):
            day, clock = self._next(day), time()
        for _ in range(duration.amount):
            day = self._next(day)
        return datetime.combine(day, clock, self.zone).astimezone(start.tzinfo)

    def between(self, start: date, end: date) -> int:
        """The working days from `start` up to, not including, `end`."""
        return sum(self.is_workday(start + n * _DAY) for n in range((end - start).days))

    def _next(self, day: date) -> date:
        day += _DAY
        while not self.is_workday(day):
            day += _DAY
        return day
