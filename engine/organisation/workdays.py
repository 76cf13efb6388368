"""Deadlines on China's working days, with the make-up days of the State Council's notices (library chinesecalendar).

The notice of a year appears in the autumn before. Until then Monday to Friday are taken as working days, and
`unpublished` says which years that is so for: whoever shows such a deadline adds the `caution` about them. An
operator's own table stands above the library, and office hours, where they are set, are when a deadline in working days
or hours can end.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cached_property
from zoneinfo import ZoneInfo

import chinese_calendar
from chinese_calendar.constants import holidays

from engine.values import NO_TEXT, Bilingual, Duration, digest_of

PUBLISHED = frozenset(day.year for day in holidays)
IN_EVERY_NOTICE = (10, 1)
"""National Day: an operator's table that holds it holds the days of that year, not one of the office's own."""
KEPT = 512
_DAY = timedelta(days=1)
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """From `opens` to `closes` on every working day; a break at noon is not taken out."""

    opens: time
    closes: time

    @classmethod
    def parse(cls, text: str) -> "OfficeHours":
        """Read `09:00-17:30`; ValueError for anything else."""
        match = _HOURS.fullmatch(text)
        if match is None:
            raise ValueError(f"not office hours: {text!r}; write 09:00-17:30")
        first, last = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
        if first >= last:
            raise ValueError(f"office hours that end before they begin: {text!r}; write 09:00-17:30")
        return cls(first, last)


USUAL = OfficeHours(time(9), time(17, 30))
"""What `4wh` counts where no office hours are set."""


class Workdays:
    """The calendar `cn` in one time zone. Implements `engine.machine.process.Calendar`.

    `own` is the operator's table (day -> whether people work), which stands above the library. With `hours`, a deadline
    in working days ends within them; without, it keeps its time of day.
    """

    def __init__(
        self, zone: ZoneInfo, own: Mapping[date, bool] | None = None, hours: OfficeHours | None = None
    ) -> None:
        self.zone = zone
        self.hours = hours
        self._own = dict(own or {})
        self._known = dict(self._own)  # the library searches its whole table at each call
        self._counted: dict[tuple[datetime, tzinfo | None, Duration], datetime] = {}

    @cached_property
    def fingerprint(self) -> str:
        """Differs where deadlines may differ: by the operator's days, the notices known, the office hours, the zone."""
        days = {day.isoformat(): works for day, works in self._own.items()}
        return digest_of([days, sorted(PUBLISHED), str(self.hours), self.zone.key])

    @property
    def has_own_days(self) -> bool:
        """Whether the operator entered any day."""
        return bool(self._own)

    def published(self, year: int) -> bool:
        """Whether the days of `year` are known, from the notice or the operator's table; if not, they are a guess.

        A day that the operator keeps free for their own reasons tells nothing of the year: the table knows it once
        National Day stands in it.
        """
        return year in PUBLISHED or date(year, *IN_EVERY_NOTICE) in self._own

    def unpublished(self, start: datetime, end: datetime) -> tuple[int, ...]:
        """The years from `start` to `end` whose days are a guess: a notice still to come may move a deadline there."""
        first, last = (moment.astimezone(self.zone).year for moment in (start, end))
        return tuple(year for year in range(first, last + 1) if not self.published(year))

    def is_workday(self, day: date) -> bool:
        """Whether people work on `day`."""
        found = self._known.get(day)
        if found is None:
            found = bool(chinese_calendar.is_workday(day)) if day.year in PUBLISHED else day.weekday() < 5
            self._known[day] = found
        return found

    def due(self, start: datetime, duration: Duration) -> datetime:
        """When `duration` after `start` is over, in the zone of `start`.

        `3wd` is the same time of day three working days on. A span that starts on a day off starts with the next
        working day; with office hours, one that starts outside them starts when they next begin. `4wh` runs within
        office hours only.
        """
        if not duration.is_working:
            return start + duration.on_the_clock()
        key = (start, start.tzinfo, duration)  # the branches of a countersign ask the same
        found = self._counted.get(key)
        if found is None:
            if len(self._counted) >= KEPT:
                self._counted.clear()
            found = self._counted[key] = self._count(start, duration)
        return found

    def _count(self, start: datetime, duration: Duration) -> datetime:
        hours = self.hours or (USUAL if duration.unit == "wh" else None)
        day, clock = self._begun(start.astimezone(self.zone), hours)
        if duration.unit == "wh":
            day, clock = self._after(day, clock, timedelta(hours=duration.amount), hours or USUAL)
        else:
            for _ in range(duration.amount):
                day = self._next(day)
        return datetime.combine(day, clock, self.zone).astimezone(start.tzinfo)

    def _begun(self, local: datetime, hours: OfficeHours | None) -> tuple[date, time]:
        """The working moment at or after `local`."""
        day, clock = local.date(), local.time()
        if not self.is_workday(day) or (hours is not None and clock > hours.closes):
            return self._next(day), hours.opens if hours else time()
        return day, max(clock, hours.opens) if hours else clock

    def _after(self, day: date, clock: time, left: timedelta, hours: OfficeHours) -> tuple[date, time]:
        """The moment when `left` of office hours have passed."""
        whole = _since(hours.closes, hours.opens)
        left += _since(clock, hours.opens)
        while left > whole:
            left -= whole
            day = self._next(day)
        return day, (datetime.combine(day, hours.opens) + left).time()

    def between(self, start: date, end: date) -> int:
        """The working days from `start` up to, not including, `end`."""
        return sum(self.is_workday(start + n * _DAY) for n in range((end - start).days))

    def shifts(self, start: date, end: date) -> tuple[tuple[datetime, datetime], ...]:
        """When people work on each working day from `start` up to, not including, `end`: within the office hours, the
        usual ones where none are set."""
        hours = self.hours or USUAL
        days = (start + n * _DAY for n in range((end - start).days))
        return tuple(
            (datetime.combine(day, hours.opens, self.zone), datetime.combine(day, hours.closes, self.zone))
            for day in days
            if self.is_workday(day)
        )

    def _next(self, day: date) -> date:
        day += _DAY
        while not self.is_workday(day):
            day += _DAY
        return day


def caution(years: Iterable[int]) -> Bilingual:
    """What to say beside a deadline that runs through `years`, whose days are a guess; empty without any.

    One sentence for every door: pages, mails, REST and command line say the same.
    """
    named = sorted(set(years))
    if not named:
        return NO_TEXT
    zh, en = "、".join(map(str, named)), " and ".join(map(str, named))
    return Bilingual(
        zh=f"{zh}年放假安排尚未公布，涉及的时限暂按周一至周五计算；安排公布或由管理员录入后重新计算。",
        en=f"The holidays of {en} are not published yet: deadlines there leave out weekends alone, and are counted "
        "again once the holidays are out or the operator enters them.",
    )


def _since(clock: time, start: time) -> timedelta:
    day = date.min
    return datetime.combine(day, clock) - datetime.combine(day, start)
