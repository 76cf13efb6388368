"""Contact pressure of a month: how many contacts the waves of the cases that a viewer sees make, by day and week.

Waves that there are count with their list, those still to come of a case with what its proposal declares, divided as
its definition says. Cases that the viewer does not see, and numbers hidden from them, are in no sum, not even as
"others": a sum that moves would tell of them (decision 19).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection

from engine.delivery.load import Span, by_day
from engine.delivery.waves import divide
from engine.service.app import Countersign
from engine.service.views import CaseRow
from engine.store import waves
from engine.store.marks import Running
from engine.store.waves import WaveRow

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
    app: Countersign, tx: Connection, shown: Sequence[tuple[Running, CaseRow]], first: date, last: date
) -> Pressure:
    """The pressure of these cases, already limited to what the viewer sees, from `first` to `last`."""
    there = waves.of_cases(tx, [row.id for _, row in shown])
    spans: list[Span] = []
    of_case: dict[str, int] = {}
    unknown = 0
    for one, row in shown:
        rows = [wave for wave in there.get(row.id, ()) if wave.state != "cancelled"]
        if rows:
            own = list(_real(app, rows, one))
        elif (plan := app.definition(one.line.process).delivery) is None or row.state not in BEFORE:
            continue
        elif not row.reach:
            unknown += 1
            continue
        else:
            planned = divide(row.reach, plan.waves)
            own = [Span(wave.channel, wave.size, one.starts, one.ends) for wave in planned]
        spans += own
        of_case[row.id] = sum(sum(channels.values()) for channels in by_day(own, first, last).values())
    days = by_day(spans, first, last)
    every = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return Pressure(
        days=tuple(sum(days.get(day, {}).values()) for day in every),
        weeks=tuple(_weeks(days, every)),
        channels=tuple(sorted({channel for on_day in days.values() for channel in on_day})),
        unknown=unknown,
        cases=of_case,
    )


def _real(app: Countersign, rows: Sequence[WaveRow], one: Running) -> Iterator[Span]:
    """Waves that were begun lie between their start and their end, or the end of the case's days; others lie ahead."""
    zone = app.settings.zone
    today = app.now().astimezone(zone).date()
    for wave in rows:
        start = wave.started_at.astimezone(zone).date() if wave.started_at else max(today, one.starts)
        end = wave.finished_at.astimezone(zone).date() if wave.finished_at else max(one.ends, start)
        yield Span(wave.channel, wave.audience, start, max(end, start))


def _weeks(days: Mapping[date, Mapping[str, int]], every: Sequence[date]) -> Iterator[Week]:
    for number in dict.fromkeys(day.isocalendar()[:2] for day in every):
        own = [day for day in every if day.isocalendar()[:2] == number]
        channels: dict[str, int] = {}
        for day in own:
            for channel, contacts in days.get(day, {}).items():
                channels[channel] = channels.get(channel, 0) + contacts
        yield Week(own[0], own[-1], sum(channels.values()), channels)
