"""How a log of events speaks of its process: its columns, its times, the lead times asked for, when people work.

The same map as `definitions replay` takes (`replay_map`): `events` and `roles` are for that command alone and stand
here unread. Without a map a log has the headings of the standard XES. Refuses what it does not know, each at its line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from engine.definition.document import Path, read
from engine.errors import InvalidFile, Problem
from engine.evaluation.process import Asked, Order
from engine.expr.types import nearest
from engine.organisation.workdays import USUAL, OfficeHours

Calendar = Literal["cn", "weekdays"]
KEYS = ("time", "lead_times", "working_time", "order", "first")
"""What a map says for `countersign process` beside columns, roles and events."""
COLUMNS = ("case", "event", "time", "person", "office")
NEEDED = ("case", "event", "time")
STANDARD = {
    "case": "case:concept:name",
    "event": "concept:name",
    "time": "time:timestamp",
    "person": "org:resource",
    "office": "org:group",
}
"""The headings of XES, and of logs that were made of it."""
SHAPE = "it has columns, and perhaps lead_times"


@dataclass(frozen=True, slots=True)
class Times:
    """How times are written: ISO 8601, or as strptime's `format` says. `zone` is meant where a time names none."""

    format: str = "iso"
    zone: ZoneInfo | None = None


@dataclass(frozen=True, slots=True)
class Working:
    """When people work: China's working days or Monday to Friday, in office hours."""

    calendar: Calendar
    hours: OfficeHours = USUAL


@dataclass(frozen=True, slots=True)
class ProcessMap:
    """`first` is the event that every case begins with, empty where none must. `places` are the lines of the lead
    times, for what only the log can tell."""

    columns: Mapping[str, str]
    times: Times = Times()
    lead_times: Mapping[str, Asked] = field(default_factory=dict)
    working: Working | None = None
    order: Order = "time"
    first: str = ""
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    file: str = ""

    @classmethod
    def standard(cls) -> "ProcessMap":
        """Of a log that needs no map."""
        return cls(STANDARD)


def read_process_map(text: str, file: str = "") -> ProcessMap:
    """The map in `text`. Raises InvalidFile with every problem of it."""
    document = read(text)
    problems = [
        _in_file(replace(problem, hint=SHAPE) if problem.code == "E108" else problem, file)
        for problem in document.problems
    ]
    told = _Reader(document.value, problems, lambda path, key: document.place(path, key=key), file)
    found = told.whole() if isinstance(document.value, dict) else None
    if found is None and not problems:
        told.tell((), "a map is keys with values", SHAPE)
    if problems or found is None:
        raise InvalidFile(sorted(problems, key=lambda problem: (problem.line, problem.column)))
    return found


class _Reader:
    """One map while it is being read."""

    def __init__(self, value: Any, problems: list[Problem], place: Any, file: str) -> None:
        self.value = value
        self.problems = problems
        self.place = place
        self.file = file

    def whole(self) -> ProcessMap:
        self.known((), self.value, ("columns", "roles", "events", *KEYS))
        lead_times = self.lead_times()
        places = {name: self.place(("lead_times", name), False) for name in lead_times}
        return ProcessMap(
            columns=self.columns(),
            times=self.times(),
            lead_times=lead_times,
            working=self.working(),
            order=self.one_of(("order",), self.value.get("order", "time"), get_args(Order)),
            first=self.text(("first",), self.value.get("first", "")),
            places={name: (place.line, place.column) for name, place in places.items()},
            file=self.file,
        )

    def columns(self) -> dict[str, str]:
        if "columns" not in self.value:
            return dict(STANDARD)
        found = self.texts(("columns",))
        self.known(("columns",), found, (*COLUMNS, "role"))
        for name in NEEDED:
            if name not in found:
                self.tell(("columns",), f"columns has no {name}", f"add {name}: the log's heading for it")
        return {name: found[name] for name in COLUMNS if name in found}

    def times(self) -> Times:
        found = self.texts(("time",)) if "time" in self.value else {}
        self.known(("time",), found, ("format", "zone"))
        zone = None
        if "zone" in found:
            try:
                zone = ZoneInfo(found["zone"])
            except (ValueError, OSError, KeyError):  # an unknown zone is a KeyError
                self.tell(("time", "zone"), f"there is no time zone {found['zone']}", "write Asia/Shanghai")
        return Times(found.get("format", "iso"), zone)

    def lead_times(self) -> dict[str, Asked]:
        written = self.value.get("lead_times", {})
        if not isinstance(written, dict):
            self.tell(("lead_times",), "lead_times are names with {from: …, to: …}", "")
            return {}
        found = {}
        for name in written:
            path: Path = ("lead_times", name)
            ends = self.texts(path)
            self.known(path, ends, ("from", "to"))
            missing = [end for end in ("from", "to") if not ends.get(end)]
            for end in missing:
                self.tell(path, f"{name} has no {end}", f"add {end}: an event of the log")
            if not missing:
                found[str(name)] = Asked(ends["from"], ends["to"])
        return found

    def working(self) -> Working | None:
        if "working_time" not in self.value:
            return None
        path: Path = ("working_time",)
        found = self.texts(path)
        self.known(path, found, ("calendar", "hours"))
        calendar = self.one_of((*path, "calendar"), found.get("calendar", "cn"), get_args(Calendar))
        hours = USUAL
        if "hours" in found:
            try:
                hours = OfficeHours.parse(found["hours"])
            except ValueError as error:
                self.tell((*path, "hours"), str(error), "write 09:00-17:30")
        return Working(calendar, hours)

    def one_of(self, path: Path, value: Any, possible: tuple[str, ...]) -> Any:
        if value not in possible:
            hint = nearest(str(value), possible) or f"possible: {', '.join(possible)}"
            self.tell(path, f"{path[-1]} cannot be {value}", hint)
        return value

    def text(self, path: Path, value: Any) -> str:
        if not isinstance(value, str):
            self.tell(path, f"{path[-1]} is a text", "put it in quotes")
            return ""
        return value

    def texts(self, path: Path) -> dict[str, str]:
        """A section that has texts only."""
        found = self.value
        for name in path:
            found = found[name]
        if not isinstance(found, dict):
            self.tell(path, f"{path[-1]} is keys with texts", "")
            return {}
        return {str(key): self.text((*path, key), value) for key, value in found.items()}

    def known(self, path: Path, value: Mapping[str, Any], keys: tuple[str, ...]) -> None:
        for key in value:
            if key not in keys:
                hint = nearest(str(key), keys) or f"possible: {', '.join(keys)}"
                self.tell((*path, key), f"unknown key {key}", hint, key=True)

    def tell(self, path: Path, message: str, hint: str, *, key: bool = False) -> None:
        place = self.place(path, key)
        at = ".".join(map(str, path))
        self.problems.append(Problem("F121", message, hint, at, place.line, place.column, self.file))


def _in_file(problem: Problem, file: str) -> Problem:
    return Problem(problem.code, problem.message, problem.hint, problem.at, problem.line, problem.column, file)
