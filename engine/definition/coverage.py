"""What the scenarios of a definition have tried: rows of the route, conditions both ways, steps and their decisions,
declared states and what people do in them.

Reads it off the histories of the cases that were run. Refuses to count what a case merely could have done.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.definition.trial import Trial
from engine.errors import ExpressionFailed
from engine.machine.chains import Column, Countersign, Placed
from engine.machine.commands import AnyCommand, Perform, Submit
from engine.machine.declared import Place
from engine.machine.filing import Filing
from engine.machine.outcome import Submitted, TaskClosed, TaskOpened, TimerArmed
from engine.machine.process import Process
from engine.machine.steps import Copy

REACHED = "reached"
SILENCE = "silence"
UNDER_WAY = ("draft", "approving", "returned", "rejected", "withdrawn")
"""States in which a chain has not been gone through to its end."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What there is to try, and what of it was tried. All are (name, what) pairs."""

    rows: tuple[str, ...]
    taken: frozenset[int]
    conditions: tuple[tuple[str, bool], ...]
    met: frozenset[tuple[str, bool]]
    steps: tuple[tuple[str, str], ...]
    done: frozenset[tuple[str, str]]

    def missing(self) -> tuple[str, ...]:
        """What no scenario tries, in words."""
        words = [f"route row {n} ({text})" for n, text in enumerate(self.rows, 1) if n - 1 not in self.taken]
        words += [
            f"{name} with its condition {'met' if way else 'not met'}"
            for name, way in self.conditions
            if (name, way) not in self.met
        ]
        return (*words, *(f"{step} {what}" for step, what in self.steps if (step, what) not in self.done))

    def counts(self) -> dict[str, tuple[int, int]]:
        """How many of how many were tried: rows, conditions, steps reached, decisions."""
        steps = [pair for pair in self.steps if pair[1] == REACHED]
        decisions = [pair for pair in self.steps if pair[1] != REACHED]
        return {
            "rows": (len(self.taken), len(self.rows)),
            "conditions": (len(self.met & set(self.conditions)), len(self.conditions)),
            "steps": (len(self.done & set(steps)), len(steps)),
            "decisions": (len(self.done & set(decisions)), len(decisions)),
        }


@dataclass(slots=True)
class _Seen:
    taken: set[int] = field(default_factory=set)
    met: set[tuple[str, bool]] = field(default_factory=set)
    done: set[tuple[str, str]] = field(default_factory=set)


def coverage(process: Process, trials: Iterable[Trial]) -> Coverage:
    """What the trials of a process have tried."""
    seen = _Seen()
    for trial in trials:
        _follow(process, trial, seen)
    rows = tuple(row.text or f"else {row.use}" for row in process.route)
    return Coverage(
        rows, frozenset(seen.taken), _conditions(process), frozenset(seen.met), _steps(process), frozenset(seen.done)
    )


def row_of(process: Process, values: Mapping[str, Any]) -> int | None:
    """The row of the route table that a form takes; None where a rule cannot be worked out."""
    try:
        return next(n for n, row in enumerate(process.route) if row.when is None or row.when.evaluate(values) is True)
    except (ExpressionFailed, StopIteration):
        return None


def _placed(columns: Sequence[Column]) -> Iterable[Placed]:
    for column in columns:
        yield from column.branches if isinstance(column, Countersign) else (column,)


def _conditions(process: Process) -> tuple[tuple[str, bool], ...]:
    named: dict[str, None] = {}
    for columns in process.chains.values():
        for column in columns:
            name = column.name if isinstance(column, Countersign) else column.step.name
            if column.when is not None:
                named[name] = None
            if isinstance(column, Countersign):
                named |= {placed.step.name: None for placed in column.branches if placed.when is not None}
    return tuple((name, way) for name in named for way in (True, False))


def _steps(process: Process) -> tuple[tuple[str, str], ...]:
    found: dict[tuple[str, str], None] = {}
    for columns in process.chains.values():
        for placed in _placed(columns):
            step = placed.step
            found[step.name, REACHED] = None
            if isinstance(step, Copy):
                continue
            found |= {(step.name, decision): None for decision in step.decisions()}
            if isinstance(step, Filing):
                found[step.name, SILENCE] = None
    for place in _worked(process):
        found |= {(place.name, what): None for what in (REACHED, *place.events)}
    return tuple(found)


def _worked(process: Process) -> tuple[Place, ...]:
    """The declared states in which people do events that the lifecycle gives to roles."""
    places = process.declared.places.values() if process.declared else ()
    return tuple(place for place in places if place.ways)


def _performed(command: AnyCommand) -> str:
    """The event of a declared state that a command does."""
    match command:
        case Perform():
            return command.event
        case Submit():
            return "submit"
        case _:
            return ""


def _follow(process: Process, trial: Trial, seen: _Seen) -> None:
    """Note what one case did, round by round."""
    reached: set[str] = set()
    route: str | None = None
    active: tuple[str, ...] = ()
    places = _worked(process)
    for command, outcome in zip(trial.commands, trial.outcomes, strict=True):
        event_done = _performed(command)
        seen.done |= {(one.name, event_done) for one in places if one.name in active and event_done in one.events}
        active = process.active(outcome.case)
        seen.done |= {(one.name, REACHED) for one in places if one.name in active}
        for event in outcome.events:
            match event:
                case Submitted():
                    _end_round(process, route, reached, seen, is_over=False)
                    reached, route = set(), event.route
                    row = row_of(process, process.context(outcome.case.judged)) if isinstance(command, Submit) else None
                    if row is not None:
                        seen.taken.add(row)
                case TaskOpened():
                    reached.add(event.task.step)
                    seen.done.add((event.task.step, REACHED))
                case TaskClosed():
                    if event.task.decision:
                        seen.done.add((event.task.step, event.task.decision))
                    elif event.task.reason == SILENCE:
                        seen.done.add((event.task.step, SILENCE))
                case TimerArmed(timer=timer) if timer.step:
                    reached.add(timer.step)
                    seen.done.add((timer.step, REACHED))
                case _:
                    pass
        _end_round(process, route, reached, seen, is_over=outcome.case.state not in UNDER_WAY)


def _end_round(process: Process, route: str | None, reached: set[str], seen: _Seen, *, is_over: bool) -> None:
    """A condition was met where its step was reached, not met where the case passed it by."""
    if not route:
        return  # not submitted yet, or a lifecycle without chains
    columns = process.chains[route]
    entered = [any(placed.step.name in reached for placed in _placed([column])) for column in columns]
    for n, column in enumerate(columns):
        passed = is_over or any(entered[n + 1 :])
        if column.when is not None and (entered[n] or passed):
            name = column.name if isinstance(column, Countersign) else column.step.name
            seen.met.add((name, entered[n]))
        if isinstance(column, Countersign) and entered[n]:
            seen.met |= {
                (placed.step.name, placed.step.name in reached) for placed in column.branches if placed.when is not None
            }
