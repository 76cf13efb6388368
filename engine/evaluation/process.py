"""What a log of events says of a process: lead times between named events, variants, rework, who was at work.

Values in, values out: events come in with an aware time each, nothing is read from files or the clock. A percentile
lies between its neighbours in proportion (Hyndman and Fan 1996, type 7). Refuses to guess: a case that has not come to
the end of a lead time is counted as open, never as a short one.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

Order = Literal["time", "file"]


class Happened(NamedTuple):
    """One event of a log. `person` and `office` are empty where the log does not say; `line` is where it stands."""

    case: str
    activity: str
    at: datetime
    person: str = ""
    office: str = ""
    line: int = 0


class Hours(Protocol):
    """When people work."""

    def worked(self, start: datetime, end: datetime) -> float:
        """The working seconds from `start` to `end`."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """From the first event `start` of a case to the first event `end` that follows it."""

    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles of durations in seconds, and how many there are."""

    count: int
    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class LeadTime:
    """A lead time over all cases. `open` cases began and have not come to its end, `absent` ones never began. `worked`
    counts working time alone, None where nobody asked. `by_office` goes by the office of the event that ended it."""

    name: str
    asked: Asked
    elapsed: Spread | None
    worked: Spread | None
    open: int
    absent: int
    by_office: Mapping[str, Spread] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity. In `repeated_in` cases it came more than once; of its later times `returns` came after something
    else, `again` directly after itself. `before` is the time since the event before it."""

    name: str
    events: int
    cases: int
    repeated_in: int
    returns: int
    again: int
    before: Spread | None


@dataclass(frozen=True, slots=True)
class Variant:
    """Cases that went the same way. `share` is of all cases."""

    sequence: tuple[str, ...]
    cases: int
    share: float
    p50: float


@dataclass(frozen=True, slots=True)
class Share:
    """How much of the work a person or an office did."""

    name: str
    events: int
    cases: int


@dataclass(frozen=True, slots=True)
class Figures:
    """All that is said of a log. `backwards` events stand in the file after a later one of their case; `handovers` are
    events by somebody else than the event before. Variants and shares come with the most frequent first."""

    cases: int
    events: int
    first: datetime | None
    last: datetime | None
    backwards: int
    whole: Spread | None
    whole_worked: Spread | None
    lead_times: tuple[LeadTime, ...]
    activities: tuple[Activity, ...]
    variants: tuple[Variant, ...]
    reworked: int
    repeats: int
    handovers: int
    people: tuple[Share, ...]
    offices: tuple[Share, ...]


Cases = dict[str, list[Happened]]


def by_case(events: Iterable[Happened]) -> Cases:
    """The events of each case in the order of the file, cases by their first event there."""
    found: Cases = {}
    for one in events:
        case = found.get(one.case)
        if case is None:
            found[one.case] = [one]
        else:
            case.append(one)
    return found


def before_the_first(cases: Cases, activity: str, order: Order) -> Iterator[Happened]:
    """The events that stand before the first `activity` of their case, or in a case without it."""
    for events in cases.values():
        for one in _ordered(events, order):
            if one.activity == activity:
                break
            yield one


def figures(
    cases: Cases, lead_times: Mapping[str, Asked], *, order: Order = "time", hours: Hours | None = None
) -> Figures:
    """Everything about these cases. With `order` file, events count as they stand, whatever their times say."""
    tally = _Tally(lead_times, hours)
    backwards = 0
    for events in cases.values():
        ordered = _ordered(events, order)
        backwards += sum(later.at < earlier.at for earlier, later in itertools.pairwise(events))
        tally.take(ordered)
    return tally.figures(len(cases), backwards)


def _ordered(events: list[Happened], order: Order) -> list[Happened]:
    return events if order == "file" else sorted(events, key=lambda one: one.at)  # stable: ties stay as in the file


@dataclass(slots=True)
class _Lead:
    """One lead time while cases are taken."""

    asked: Asked
    elapsed: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    offices: dict[str, list[float]] = field(default_factory=dict)
    open: int = 0
    absent: int = 0


@dataclass(slots=True)
class _Doing:
    """One activity while cases are taken."""

    events: int = 0
    cases: int = 0
    repeated_in: int = 0
    returns: int = 0
    again: int = 0
    before: list[float] = field(default_factory=list)


class _Tally:
    """What is counted case by case."""

    def __init__(self, lead_times: Mapping[str, Asked], hours: Hours | None) -> None:
        self.leads = {name: _Lead(asked) for name, asked in lead_times.items()}
        self.hours = hours
        self.doings: dict[str, _Doing] = {}
        self.ways: dict[tuple[str, ...], list[float]] = {}
        self.whole: list[float] = []
        self.whole_worked: list[float] = []
        self.events = self.reworked = self.handovers = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.people: Counter[str] = Counter()
        self.people_cases: Counter[str] = Counter()
        self.offices: Counter[str] = Counter()
        self.offices_cases: Counter[str] = Counter()

    def take(self, events: Sequence[Happened]) -> None:
        """One case in its order."""
        self.events += len(events)
        begin, end = min(one.at for one in events), max(one.at for one in events)
        self.first = begin if self.first is None or begin < self.first else self.first
        self.last = end if self.last is None or end > self.last else self.last
        elapsed = (end - begin).total_seconds()
        self.whole.append(elapsed)
        if self.hours is not None:
            self.whole_worked.append(self.hours.worked(begin, end))
        self.ways.setdefault(tuple([one.activity for one in events]), []).append(elapsed)
        self.work(events)
        self.who(events)
        for lead in self.leads.values():
            self.lead(lead, events)

    def work(self, events: Sequence[Happened]) -> None:
        """What was done, and what again."""
        seen: dict[str, int] = {}
        previous: Happened | None = None
        for one in events:
            name = one.activity
            doing = self.doings.get(name)
            if doing is None:
                doing = self.doings[name] = _Doing()
            doing.events += 1
            if previous is not None:
                doing.before.append((one.at - previous.at).total_seconds())
                if name in seen:
                    if previous.activity == name:
                        doing.again += 1
                    else:
                        doing.returns += 1
            seen[name] = seen.get(name, 0) + 1
            previous = one
        for name, count in seen.items():
            self.doings[name].cases += 1
            self.doings[name].repeated_in += count > 1
        self.reworked += len(seen) < len(events)

    def who(self, events: Sequence[Happened]) -> None:
        """By whom and where."""
        people = [one.person for one in events if one.person]
        offices = [one.office for one in events if one.office]
        self.people.update(people)
        self.people_cases.update(set(people))
        self.offices.update(offices)
        self.offices_cases.update(set(offices))
        self.handovers += sum(one != other for one, other in itertools.pairwise(people))

    def lead(self, lead: _Lead, events: Sequence[Happened]) -> None:
        """One lead time of one case."""
        start: Happened | None = None
        for one in events:
            if start is None:
                if one.activity == lead.asked.start:
                    start = one
            elif one.activity == lead.asked.end:
                elapsed = (one.at - start.at).total_seconds()
                lead.elapsed.append(elapsed)
                if one.office:
                    lead.offices.setdefault(one.office, []).append(elapsed)
                if self.hours is not None:
                    lead.worked.append(self.hours.worked(start.at, one.at))
                return
        if start is None:
            lead.absent += 1
        else:
            lead.open += 1

    def figures(self, cases: int, backwards: int) -> Figures:
        """The sums of all that was taken."""
        return Figures(
            cases=cases,
            events=self.events,
            first=self.first,
            last=self.last,
            backwards=backwards,
            whole=spread(self.whole),
            whole_worked=spread(self.whole_worked),
            lead_times=tuple(_lead_time(name, lead) for name, lead in self.leads.items()),
            activities=tuple(
                _activity(name, doing)
                for name, doing in sorted(self.doings.items(), key=lambda item: (-item[1].events, item[0]))
            ),
            variants=tuple(
                Variant(sequence, len(spans), len(spans) / cases, percentile(sorted(spans), 0.5))
                for sequence, spans in sorted(self.ways.items(), key=lambda item: (-len(item[1]), item[0]))
            ),
            reworked=self.reworked,
            repeats=sum(doing.returns + doing.again for doing in self.doings.values()),
            handovers=self.handovers,
            people=_shares(self.people, self.people_cases),
            offices=_shares(self.offices, self.offices_cases),
        )


def _lead_time(name: str, lead: _Lead) -> LeadTime:
    offices = {office: found for office, spans in sorted(lead.offices.items()) if (found := spread(spans))}
    return LeadTime(name, lead.asked, spread(lead.elapsed), spread(lead.worked), lead.open, lead.absent, offices)


def _activity(name: str, doing: _Doing) -> Activity:
    counts = (doing.events, doing.cases, doing.repeated_in, doing.returns, doing.again)
    return Activity(name, *counts, spread(doing.before))


def _shares(events: Counter[str], cases: Counter[str]) -> tuple[Share, ...]:
    ordered = sorted(events.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Share(name, count, cases[name]) for name, count in ordered)


def spread(seconds: Sequence[float]) -> Spread | None:
    """Median and 90th percentile; None of nothing."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    return Spread(len(ordered), percentile(ordered, 0.5), percentile(ordered, 0.9))


def percentile(ordered: Sequence[float], share: float) -> float:
    """Of at least one value in rising order."""
    place = (len(ordered) - 1) * share
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
