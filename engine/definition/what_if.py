"""What a case would have been under another definition: its own history, told again on that definition's machine.

People do what they did, at the times they did it; deadlines fall due as that definition says. A decision of somebody
who would not have been asked counts for nothing, and is told. Refuses to guess what people would have done instead.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from msgspec.structs import replace

from engine.definition.model import Definition
from engine.errors import CountersignError, Invalid, InvalidForm
from engine.machine.advance import advance, create
from engine.machine.case import Case, Task, Timer
from engine.machine.commands import (
    AnyCommand,
    Create,
    Decide,
    Migrate,
    OnTask,
    Perform,
    Recount,
    Reorganise,
    Submit,
    TimerFired,
)
from engine.machine.evolve import empty_case, fold
from engine.machine.filing import Register, numbered
from engine.machine.process import Process
from engine.machine.replay import Recorded


class Entry(Recorded, Protocol):
    """A history entry with its command; `engine.store.history.Entry` is one."""

    @property
    def command(self) -> AnyCommand:
        """What was asked."""
        ...


@dataclass(frozen=True, slots=True)
class Refused:
    """The first thing that was done and would have been refused: history entry `seq`, why, and the fields of the form
    that the reason is about."""

    seq: int
    command: str
    why: str
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Retraced:
    """How a case would have gone. `asked`: step and person of everybody who decides, in order; `waiting`: those of them
    whom it still waits for; `unused`: step and person of decisions that would not have been asked for."""

    route: str
    state: str
    asked: tuple[tuple[str, str], ...] = ()
    waiting: tuple[tuple[str, str], ...] = ()
    unused: tuple[tuple[str, str], ...] = ()
    refused: Refused | None = None


def retrace(definition: Definition, process: Process, entries: Iterable[Entry]) -> Retraced:
    """The history `entries` (the first opened the case) on `process`, which is `definition` compiled and bound."""
    return _Retracing(definition, process).through(entries)


class _Retracing:
    """One case, as it was and as it would have been."""

    def __init__(self, definition: Definition, process: Process) -> None:
        self._definition = definition
        self._process = process
        self._was: Case | None = None
        self._case: Case | None = None
        self._asked: dict[tuple[str, str], None] = {}
        self._unused: dict[tuple[str, str], None] = {}
        self._refused: Refused | None = None

    def through(self, entries: Iterable[Entry]) -> Retraced:
        for entry in entries:
            if self._was is None or self._case is None:
                self._begin(entry)
                continue
            self._let_pass(entry.at)
            self._take(entry, self._was)
            self._was = fold(self._was, entry.events, entry.at)
        case = self._case
        if case is None:
            raise ValueError("a case without history")
        waiting = tuple(_seat(task) for task in case.tasks if task.is_pending and task.signs)
        return Retraced(case.route or "", case.state, (*self._asked,), waiting, (*self._unused,), self._refused)

    def _begin(self, entry: Entry) -> None:
        assert isinstance(entry.command, Create), "a history begins with the case"
        self._was = fold(empty_case(entry.case_id, entry.at), entry.events, entry.at)
        self._case = create(entry.case_id, self._process.ref, entry.command, entry.at, self._process).case

    def _take(self, entry: Entry, was: Case) -> None:
        command = entry.command
        if isinstance(command, TimerFired | Recount | Reorganise | Migrate):
            return  # deadlines are those of this definition, and its people those of today from the start
        if isinstance(command, Decide | OnTask | Perform) and command.task:
            before = next(task for task in was.tasks if task.id == command.task)
            task = self._task_like(before)
            if task is None:
                self._unused[_seat(before)] = None
                return
            command = replace(command, task=task.id)
        if isinstance(command, Decide | Perform):
            command = replace(command, seen_seq=None)
        try:
            if isinstance(command, Submit):
                self._check(command)
            self._do(command, entry.at)
        except CountersignError as error:
            problems = error.problems if isinstance(error, Invalid) else ()
            about = sorted({name for problem in problems for name in problem.about})
            self._refused = self._refused or Refused(entry.seq, type(command).__name__, error.message, tuple(about))

    def _check(self, command: Submit) -> None:
        problems = self._definition.proposal.parse(command.form, whole=True).problems
        if problems:
            raise InvalidForm(list(problems))

    def _task_like(self, before: Task) -> Task | None:
        """The task of the same person; of several, the one at the same step."""
        assert self._case is not None
        theirs = [task for task in self._case.tasks if task.is_pending and task.person == before.person]
        return next((task for task in theirs if task.step == before.step), theirs[0] if theirs else None)

    def _let_pass(self, until: datetime) -> None:
        assert self._case is not None
        while due := min((one for one in self._case.timers if one.due_at <= until), key=_due, default=None):
            fired = TimerFired(actor="system", via="timer", key=due.key, name=due.name, step=due.step)
            self._do(fired, max(due.due_at, self._case.updated_at))

    def _do(self, command: AnyCommand, at: datetime) -> None:
        assert self._case is not None
        outcome = numbered(self._process, self._case, advance(self._process, self._case, command, at), _unnumbered)
        self._case = outcome.case
        self._asked.update((_seat(task), None) for task in self._case.tasks if task.signs)


def _seat(task: Task) -> tuple[str, str]:
    return task.step, task.person


def _due(timer: Timer) -> tuple[datetime, str]:
    return timer.due_at, timer.key


def _unnumbered(register: Register, office: str) -> str:
    """No number is taken for what never happened."""
    return "-"
