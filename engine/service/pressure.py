"""Contact pressure of a month: how many contacts the waves of the cases that a viewer sees make, by day and week.

Waves that there are count with their list, those still to come of a case with what its proposal declares, divided as
its definition says. Cases that the viewer does not see, and numbers hidden from them, are in no sum, not even as
"others": a sum that moves would tell of them (decision 19).
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from engine.delivery.load import Span, by_day
from engine.delivery.waves import divide
from engine.machine.readers import may_hide
from engine.service.app import Countersign
from engine.service.fields import hidden
from engine.store import cases as stored
from engine.store import waves
from engine.store.marks import RunningDays, Wanted
from engine.store.waves import WaveSpan

BEFORE = ("approving", "returned", "filed", "approved", "targeting", "ready", "delivering", "paused", "suspended")


@dataclass(frozen=True, slots=True)
class Week:
    """The days of a week that lie in the month, Monday to Sunday. `per_day`: contacts on an average day of it."""

    first: date
    last: date
    contacts: int
    channels: Mapping[str, int]

    @property
    def per_day(self) -> float:
        """Contacts on an average day."""
        return self.contacts / ((self.last - self.first).days + 1)


@dataclass(frozen=True, slots=True)
class Pressure:
    """A month's contacts: `days` from the first to the last, by week, and by case. `unknown`: cases whose number of
    customers nobody knows yet, or the viewer does not see; they are not in `cases`."""

    days: tuple[int, ...]
    weeks: tuple[Week, ...]
    channels: tuple[str, ...]
    unknown: int
    cases: Mapping[str, int]

    @property
    def per_day(self) -> float:
        """Contacts on an average day of the month."""
        return sum(self.days) / len(self.days)


def pressure(
    app: Countersign, tx: Connection, wanted: Wanted, cases: Sequence[RunningDays], *, shown: Set[str]
) -> Pressure:
    """The pressure of the wanted cases on their days; by case for those `shown`."""
    first, last, zone = wanted.first, wanted.last, app.settings.zone
    today = app.now().astimezone(zone).date()
    there = waves.spans(tx, [case.case_id for case in cases])
    reaches = _Reaches(app, tx, wanted.person)
    found: list[Span] = []
    of_case: dict[str, int] = {}
    unknown = 0
    for case in cases:
        if rows := there.get(case.case_id):
            own = list(_real(rows, case, today, zone))
        elif (plan := app.definition(case.process).delivery) is None or case.state not in BEFORE:
            continue
        elif not (reach := reaches.of(case)):
            unknown += 1
            continue
        else:
            own = [Span(wave.channel, wave.size, case.starts, case.ends) for wave in divide(reach, plan.waves)]
        found += own
        if case.case_id in shown:
            of_case[case.case_id] = sum(one.within(first, last) for one in own)
    days = by_day(found, first, last)
    every = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return Pressure(
        days=tuple(sum(days.get(day, {}).values()) for day in every),
        weeks=tuple(_weeks(days, every)),
        channels=tuple(sorted({channel for on_day in days.values() for channel in on_day})),
        unknown=unknown,
        cases=of_case,
    )


class _Reaches:
    """How many customers cases declare, as far as a person sees it."""

    def __init__(self, app: Countersign, tx: Connection, person: str) -> None:
        self.app, self.tx, self.person = app, tx, person
        self.may_hide = cache(lambda process: may_hide(app.process(process, tx), ("reach",)))

    def of(self, case: RunningDays) -> int | None:
        """None where the proposal names no number, or the person does not see it."""
        if not self.may_hide(case.process):
            return case.reach
        unseen = hidden(self.app, self.tx, self.person, stored.load(self.tx, case.case_id))
        return None if "reach" in unseen else case.reach


def _real(rows: Sequence[WaveSpan], case: RunningDays, today: date, zone: ZoneInfo) -> Iterator[Span]:
    """Waves that were begun lie between their start and their end, or the end of the case's days; others lie ahead."""
    for wave in rows:
        start = wave.started_at.astimezone(zone).date() if wave.started_at else max(today, case.starts)
        end = wave.finished_at.astimezone(zone).date() if wave.finished_at else max(case.ends, start)
        yield Span(wave.channel, wave.audience, start, max(end, start))


def _weeks(days: Mapping[date, Mapping[str, int]], every: Sequence[date]) -> Iterator[Week]:
    for number in dict.fromkeys(day.isocalendar()[:2] for day in every):
        own = [day for day in every if day.isocalendar()[:2] == number]
        channels: dict[str, int] = {}
        for day in own:
            for channel, contacts in days.get(day, {}).items():
                channels[channel] = channels.get(channel, 0) + contacts
        yield Week(own[0], own[-1], sum(channels.values()), channels)
