"""A log of events replayed on a definition's chart: which cases it accepts, and where it refuses the others.

The order of the rows counts, not their times; cases may be interleaved. After a refusal a case stays as it was. Guards
see an empty form, for a log has no values, so what an event does depends on the state alone and is worked out once.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from engine.definition.compile import compile_process
from engine.definition.model import Definition
from engine.definition.replay_map import LogMap, Meaning
from engine.errors import InvalidFile, Problem
from engine.expr.types import nearest
from engine.machine.case import Case
from engine.machine.declared import Lifecycle, word
from engine.machine.process import Process
from engine.machine.step import Movement, macrostep, start

Verdict = Literal["accept", "open", "refuse"]

NOWHERE = -1


class Row(NamedTuple):
    """One event of a log, in the log's words. `role` is None where the log has no column for it."""

    line: int
    case: str
    event: str
    role: str | None


class Step(NamedTuple):
    """What a row asks of the definition: `role` may do `event`, but it was `by` who did."""

    event: str
    role: str
    by: str

    @property
    def word(self) -> str:
        """The chart's word; one that nothing answers to where somebody else did it than may."""
        return word(self.event, self.role) if self.role == self.by else ""


NO_STEP = Step("", "", "nobody")
"""Of an event that nothing answers to."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one case. `index` counts its events from 0; `state` is where it stands, unchanged by a refusal."""

    case: str
    verdict: Verdict
    state: str
    index: int | None = None
    event: str = ""
    allowed: tuple[str, ...] = ()


class Translation:
    """From the rows of a log to steps. Events that the map does not have are collected: `refuse` tells them all."""

    def __init__(self, log_map: LogMap, roles: Iterable[str], file: str) -> None:
        self._map = log_map
        self._roles = frozenset(roles)
        self._file = file
        self._steps: dict[tuple[str, str | None], Step] = {}
        self.strange: dict[str, int] = {}
        self._unknown: dict[str, Problem] = {}

    def refuse(self) -> None:
        """InvalidFile with every event that the map does not have, each at the line where it comes first."""
        if self._unknown:
            raise InvalidFile(list(self._unknown.values()))

    def step(self, row: Row) -> Step:
        """What the row asks."""
        found = self._steps.get((row.event, row.role))
        if found is None:
            found = self._steps[row.event, row.role] = self._translated(row)
        return found

    def _translated(self, row: Row) -> Step:
        meant = self._map.events.get(row.event)
        if meant is None:
            message = f"the map has no event {row.event!r}" if row.event.strip() else "the row names no event"
            hint = nearest(row.event, tuple(self._map.events)) or "add it to the map's events"
            problem = Problem("R110", message, hint, line=row.line, column=1, file=self._file)
            self._unknown.setdefault(row.event, problem)
            return NO_STEP
        return self._by(meant, row)

    def _by(self, meant: Meaning, row: Row) -> Step:
        if row.role is None:
            return Step(meant.event, meant.role, meant.role)
        role = self._map.roles.get(row.role) or row.role.strip().lower().replace(" ", "_")
        if role not in self._roles:
            self.strange.setdefault(row.role, row.line)
        return Step(meant.event, meant.role or role, role)


class _Standing:
    """One case of the log."""

    __slots__ = ("at", "count", "event", "index")

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0
        self.index = NOWHERE
        self.event = ""


class Replay:
    """All cases of a log on one chart. Where a case may stand is numbered, and each step from there worked out once."""

    def __init__(self, process: Process) -> None:
        if process.declared is None:
            raise ValueError(f"{process.ref.name} declares no lifecycle")
        self.process = process
        self.lifecycle: Lifecycle = process.declared
        self.events = 0
        self._cases: dict[str, _Standing] = {}
        self._places: list[Movement] = []
        self._numbers: dict[tuple[int, tuple[tuple[str, tuple[str, ...]], ...]], int] = {}
        self._next: dict[tuple[int, str], int] = {}
        self._first = self._number(start(process.chart, self._values))

    def take(self, case: str, asked: str, name: str) -> None:
        """One event: `asked` is the chart's word for it, `name` what the log calls it."""
        standing = self._cases.get(case)
        if standing is None:
            standing = self._cases[case] = _Standing(self._first)
        self.events += 1
        if standing.index == NOWHERE:
            key = (standing.at, asked)
            following = self._next.get(key)
            if following is None:
                following = self._next[key] = self._following(standing.at, asked)
            if following == NOWHERE:
                standing.index, standing.event = standing.count, name
            else:
                standing.at = following
        standing.count += 1

    def judged(self) -> Iterator[Judged]:
        """The cases in the order of their first events."""
        for case, standing in self._cases.items():
            state = self._state(standing.at)
            if standing.index == NOWHERE:
                yield Judged(case, "accept" if self._is_end(standing.at) else "open", state)
            else:
                allowed = self._allowed(standing.at)
                yield Judged(case, "refuse", state, standing.index, standing.event, allowed)

    def _following(self, at: int, asked: str) -> int:
        if not asked:
            return NOWHERE
        place = self._places[at]
        moved = macrostep(self.process.chart, place.active, place.remembered, asked, self._values)
        return NOWHERE if moved is None else self._number(moved)

    def _number(self, moved: Movement) -> int:
        key = (moved.active, tuple(sorted(moved.remembered.items())))
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._places)
            self._places.append(moved)
        return number

    def _values(self) -> dict[str, object]:
        return dict(self.process.context({}))

    def _configuration(self, at: int) -> tuple[str, ...]:
        chart = self.process.chart
        return chart.names(self._places[at].active & chart.atomic)

    def _state(self, at: int) -> str:
        return "+".join(self._configuration(at))

    def _is_end(self, at: int) -> bool:
        return is_end(self.lifecycle, self._configuration(at))

    def _allowed(self, at: int) -> tuple[str, ...]:
        active = self.process.chart.names(self._places[at].active)[::-1]
        return _shown(self.lifecycle, active, lambda asked: self._following(at, asked) != NOWHERE)


def is_end(lifecycle: Lifecycle, configuration: Iterable[str]) -> bool:
    """Whether a case that stays in these states has ended well."""
    places = [lifecycle.places.get(name) for name in configuration]
    return all(place is not None and (place.kind == "final" or place.may_end) for place in places)


def allowed_in(process: Process, case: Case) -> tuple[str, ...]:
    """What people may do with the case now, as verdicts say it."""
    if process.declared is None:
        return ()
    return _shown(process.declared, process.active(case), lambda asked: process.would_move(case, asked))


def _shown(lifecycle: Lifecycle, active: Iterable[str], is_open: Callable[[str], bool]) -> tuple[str, ...]:
    places = [lifecycle.places[name] for name in active if name in lifecycle.places]
    asked = {(way.event, role): None for place in places for way in place.ways for role in way.roles}
    return tuple(f"{event} by {role}" for event, role in asked if is_open(word(event, role)))


def state_of(case: Case) -> str:
    """Where a case stands, as verdicts name it."""
    return "+".join(case.configuration)


def process_of(definition: Definition, file: str = "") -> Process:
    """The process to replay on. Raises InvalidFile where the definition has no lifecycle of its own."""
    if definition.lifecycle is None:
        message = f"{definition.name} has no lifecycle of its own to replay a log on"
        hint = "write its states and events under lifecycle:"
        raise InvalidFile([Problem("R100", message, hint, line=1, column=1, file=file)])
    return compile_process(definition)


def replay(process: Process, rows: Iterable[Row], translation: Translation) -> Replay:
    """Replay all rows; ask the result for its verdicts. Raises InvalidFile as `Translation.refuse`."""
    running = Replay(process)
    for row in rows:
        running.take(row.case, translation.step(row).word, row.event)
    translation.refuse()
    return running
