"""The figures of a process from a log of events that any system wrote: read, checked, counted.

A row that cannot be read makes its case wrong: every such row is told with line, column and reason, and the log is
refused, or the whole case left out where the caller says so. Nothing of a row is guessed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.definition.process_map import NEEDED, ProcessMap, Working
from engine.errors import InvalidFile, Problem
from engine.evaluation.process import Asked, Cases, Figures, Happened, before_the_first, by_case, figures
from engine.expr.types import nearest
from engine.organisation.workdays import Workdays
from engine.organisation.working_time import WorkingTime, on_weekdays
from engine.service.log_files import picked

EARLIEST, LATEST = 1900, 2200  # years; others, such as 9999, stand in for a time that nobody knows
TOLD = 50
"""So many problems are told one by one."""


@dataclass(frozen=True, slots=True)
class ProcessFile:
    """What a log says. `left_out` cases had a row that cannot be read; `problems` are those rows, the first 50;
    `unpublished` are years whose working days are a guess."""

    figures: Figures
    problems: tuple[Problem, ...]
    problem_count: int
    left_out: int
    has_people: bool
    has_offices: bool
    unpublished: tuple[int, ...]


def looked_into(file: Path, log_map: ProcessMap, zone: ZoneInfo, *, leave_out: bool = False) -> ProcessFile:
    """The figures of a log. `zone` is meant by times that name none, where the map does not say either.

    Raises InvalidFile with what is wrong in the file, or in the map about it; with `leave_out`, rows that cannot be
    read only cost their cases.
    """
    reading = _Reading(str(file), log_map, zone)
    cases = by_case(reading.events(picked(file, log_map.columns)))
    if log_map.first:
        for one in before_the_first(cases, log_map.first, log_map.order):
            message = f"{one.activity!r} of case {one.case!r} comes before its first {log_map.first!r}"
            reading.tell("F127", one.line, "event", message, case=one.case)
    if reading.count and not leave_out:
        raise InvalidFile(reading.told())
    for case in reading.bad:
        cases.pop(case, None)
    if not cases:
        hint = "mend the rows that are told" if reading.count else ""
        problem = Problem("F124", "the log has no case that can be read", hint, line=1, column=1, file=str(file))
        raise InvalidFile([*reading.problems, problem])
    _check_ends(cases, log_map, str(file))
    workdays = Workdays(reading.zone)
    found = figures(cases, log_map.lead_times, order=log_map.order, hours=_hours(log_map.working, workdays))
    counts_days = log_map.working is not None and log_map.working.calendar == "cn"
    return ProcessFile(
        figures=found,
        problems=tuple(reading.problems),
        problem_count=reading.count,
        left_out=len(reading.bad),
        has_people="person" in log_map.columns,
        has_offices="office" in log_map.columns,
        unpublished=workdays.unpublished(found.first, found.last) if counts_days and found.first and found.last else (),
    )


def _hours(working: Working | None, workdays: Workdays) -> WorkingTime | None:
    if working is None:
        return None
    is_workday = workdays.is_workday if working.calendar == "cn" else on_weekdays
    return WorkingTime(is_workday, working.hours, workdays.zone)


def _check_ends(cases: Cases, log_map: ProcessMap, file: str) -> None:
    """InvalidFile where a lead time names an event that the log does not have."""
    if not (log_map.lead_times or log_map.first):
        return
    there = tuple(dict.fromkeys(one.activity for events in cases.values() for one in events))
    problems = []
    for name, asked in log_map.lead_times.items():
        line, column = log_map.places.get(name, (1, 1))
        for end in _absent(asked, there):
            hint = nearest(end, there) or f"there are {', '.join(there[:20])}"
            message = f"lead time {name}: no event of the log is called {end!r}"
            problems.append(Problem("F125", message, hint, name, line, column, log_map.file or file))
    if problems:
        raise InvalidFile(problems)


def _absent(asked: Asked, there: Iterable[str]) -> list[str]:
    known = frozenset(there)
    return [end for end in (asked.start, asked.end) if end not in known]


class _Reading:
    """One log while it is read: what was wrong, and in which cases."""

    def __init__(self, file: str, log_map: ProcessMap, zone: ZoneInfo) -> None:
        self.file = file
        self.columns = tuple(log_map.columns)
        self.headings = log_map.columns
        self.zone = log_map.times.zone or zone
        self.format = log_map.times.format
        self.problems: list[Problem] = []
        self.count = 0
        self.bad: set[str] = set()

    def events(self, rows: Iterable[tuple[int, tuple[str, ...]]]) -> Iterable[Happened]:
        """The rows that can be read."""
        case, activity, time = (self.columns.index(name) for name in NEEDED)
        person, office = (self.columns.index(name) if name in self.columns else None for name in ("person", "office"))
        read = self.reader()
        for line, cells in rows:
            name, what, when = cells[case].strip(), cells[activity].strip(), cells[time].strip()
            at: datetime | None = None
            if name and what and when:
                at = read(when)
            if at is None:
                self.wrong(line, name, what, when)
                continue
            who = "" if person is None else cells[person].strip()
            where = "" if office is None else cells[office].strip()
            yield Happened(name, what, at, who, where, line)

    def reader(self) -> Callable[[str], datetime | None]:
        return _iso(self.zone) if self.format == "iso" else partial(_written, self.format, self.zone)

    def wrong(self, line: int, case: str, activity: str, time: str) -> None:
        """A row that cannot be read: everything about it."""
        for name, cell in zip(NEEDED, (case, activity, time), strict=True):
            if not cell:
                self.tell("F123", line, name, f"the row names no {name}: {self.headings[name]} is blank", case=case)
        if time:
            form = "2026-11-30T09:15:00+08:00" if self.format == "iso" else self.format
            hint = f"times are written like {form}, in the years {EARLIEST} to {LATEST}" + (
                "" if self.format != "iso" else "; or say `time: {format: …}`"
            )
            if self.reader()(time) is None:
                self.tell(
                    "F124", line, "time", f"{self.headings['time']} is no time: {time[:40]!r}", hint=hint, case=case
                )

    def tell(self, code: str, line: int, column: str, message: str, *, hint: str = "", case: str) -> None:
        self.count += 1
        if case:
            self.bad.add(case)
        if len(self.problems) < TOLD:
            place = self.columns.index(column) + 1
            self.problems.append(Problem(code, message, hint, self.headings[column], line, place, self.file))

    def told(self) -> list[Problem]:
        """The problems for a refusal."""
        if self.count <= len(self.problems):
            return self.problems
        message = f"{self.count} rows in all cannot be read; the first {TOLD} are told"
        return [*self.problems, Problem("F124", message, "", line=1, column=1, file=self.file)]


def _iso(zone: ZoneInfo) -> Callable[[str], datetime | None]:
    def read(text: str) -> datetime | None:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        return _aware(at, zone)

    return read


def _written(form: str, zone: ZoneInfo, text: str) -> datetime | None:
    try:
        at = datetime.strptime(text, form)  # noqa: DTZ007  # the zone follows where the format has none
    except ValueError:
        return None
    return _aware(at, zone)


def _aware(at: datetime, zone: ZoneInfo) -> datetime | None:
    if not EARLIEST <= at.year <= LATEST:
        return None
    # in UTC: between two times of one zone Python counts by the clock on the wall, which is changed twice a year
    return at if at.tzinfo is not None else at.replace(tzinfo=zone).astimezone(UTC)
