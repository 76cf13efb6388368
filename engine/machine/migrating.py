"""A running case moves to another version of its definition, or back: by name, one at a time, never by itself.

It keeps its place, its round, its number and every decision that was given. Refuses to move a case that would stand
nowhere in the other version, or would pass by an approval that only that version asks for.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from engine.machine.asking import asked
from engine.machine.case import Case, Task
from engine.machine.chains import Column, Countersign, holds, state_of
from engine.machine.chart import Chart
from engine.machine.commands import Migrate
from engine.machine.deadlines import due_at
from engine.machine.filing import Filing
from engine.machine.journal import Journal
from engine.machine.outcome import Migrated, NotifyTask, TaskOpened
from engine.machine.process import Process
from engine.machine.steps import AnyStep, Approval, Copy
from engine.machine.tally import AnyOf, InSequence
from engine.values import NO_TEXT

MOVED = "migrated"
"""Why a task was cancelled that the other version does not ask for."""


def hindrances(old: Process, new: Process, case: Case) -> tuple[str, ...]:
    """Why the case cannot move from `old` to `new`; empty where it can."""
    version = f"version {new.ref.version}"
    lost = [state for state in _states_of(case) if state not in new.chart.index]
    if lost:
        return tuple(f"its state {state} does not exist in {version}" for state in lost)
    if not _is_whole(new.chart, case.configuration):
        return (f"{version} asks others at the same time as {', '.join(case.configuration)}",)
    found = [
        f"step {name} is of another kind in {version}"
        for name in active_steps(old, case)
        if type(old.step(case, name)[1]) is not type(new.step(case, name)[1])
    ]
    if case.round and case.state in ("approving", "returned") and case.route not in new.chains:
        found.append(f"its chain {case.route} does not exist in {version}")
    elif case.state == "approving":
        found += [
            f"step {name}, which {version} added before the present one, would not be asked"
            for name in _passed_by(old, new, case)
        ]
    if case.round and old.material != new.material:
        found.append(f"approvals are bound to other fields (material) in {version}")
    return tuple(found)


def asks_again(old: Process, new: Process, case: Case) -> tuple[str, ...]:
    """The active steps that ask anew, because `new` asks others there, or decides or times it otherwise."""
    return tuple(
        name for name in active_steps(old, case) if not _asks_alike(old.step(case, name)[1], new.step(case, name)[1])
    )


def _asks_alike(old: AnyStep, new: AnyStep) -> bool:
    """Whether those asked need not be asked anew: what a step is called, and what comes of a filing, is not theirs."""
    if isinstance(old, Filing) and isinstance(new, Filing):
        old = replace(old, register=new.register, conversion=new.conversion)
    return replace(old, label=NO_TEXT) == replace(new, label=NO_TEXT)


def active_steps(process: Process, case: Case) -> tuple[str, ...]:
    """The steps that wait for somebody now."""
    return tuple(
        kind.name for state in case.configuration if isinstance(kind := process.kinds.get(state), Approval | Filing)
    )


def migrate(journal: Journal, command: Migrate) -> None:
    """Pin the case to the version of the journal's process, whose `hindrances` were asked before.

    Steps in `command.again` ask whom the version finds: who is asked already keeps their task with a new deadline, who
    decided has decided, the others' tasks are cancelled with the reason. What is asked nowhere any more is cancelled.
    """
    journal.record(Migrated(command.to))
    process = journal.process
    for task in journal.case.tasks:
        if task.state in ("open", "waiting") and not _has_step(process, journal.case, task.step):
            journal.cancel(task, MOVED)
    for name in command.again:
        state, step = process.step(journal.case, name)
        _ask_again(journal, state, step)


def ahead(process: Process, case: Case) -> tuple[str, ...]:
    """The steps that the case would still come to, in their order, those at the same time one after the other."""
    return tuple(step.id for column in process.chain(case) for step in column if step.state == "ahead")


def _states_of(case: Case) -> tuple[str, ...]:
    return (*case.configuration, *(state for states in case.remembered.values() for state in states))


def _is_whole(chart: Chart, configuration: tuple[str, ...]) -> bool:
    """Whether these atomic states are a configuration: one child active in a compound, all of them in a parallel."""
    active = chart.mask(configuration)
    for number in chart.numbers(active):
        inside = sum(active >> child & 1 for child in chart.children[number])
        if chart.parallels >> number & 1 and inside != len(chart.children[number]):
            return False
        if chart.compounds >> number & 1 and inside != 1:
            return False
    return True


def _passed_by(old: Process, new: Process, case: Case) -> Iterator[str]:
    """Approvals and filings before the case's place that the old chain did not have, and that would be taken."""
    route = case.route or ""
    known = {step for column in old.chains.get(route, ()) for step, _ in _steps(column)}
    values = new.context(case.judged)
    for column in new.chains[route]:
        steps = _steps(column)
        if any(state_of(route, name) in case.configuration for name, _ in steps):
            return
        if _taken(column, values):
            yield from (name for name, taken in _taking(column, values) if taken and name not in known)


def _steps(column: Column) -> tuple[tuple[str, AnyStep], ...]:
    placed = column.branches if isinstance(column, Countersign) else (column,)
    return tuple((one.step.name, one.step) for one in placed)


def _taken(column: Column, values: Mapping[str, Any]) -> bool:
    return holds(column.when, values)


def _taking(column: Column, values: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    placed = column.branches if isinstance(column, Countersign) else (column,)
    for one in placed:
        yield one.step.name, not isinstance(one.step, Copy) and holds(one.when, values)


def _has_step(process: Process, case: Case, name: str) -> bool:
    try:
        process.step(case, name)
    except LookupError:
        return False
    return True


def _ask_again(journal: Journal, state: str, step: AnyStep) -> None:
    """See `migrate`. A step where nobody can be asked any more is entered as if the case had just come to it."""
    journal.disarm(journal.timers_of(step.name))
    one = isinstance(step, Filing) or (isinstance(step, Approval) and isinstance(step.tally, AnyOf))
    people = asked(journal.process.directory, step.ask, journal.case, one_is_enough=one)
    for task in journal.seats(step.name):
        if task.state in ("open", "waiting") and task.person not in people:
            journal.cancel(task, MOVED)
    if not people:
        step.unstaffed(journal)
    elif isinstance(step, Filing):
        due = due_at(journal.process.calendar, step.spans, journal.now)
        for person in people:
            _seat(journal, step, person)
        _call(journal, step.name, due_at=due, first_only=False)
        journal.arm("silence", step.ack, step=step.name)
    elif isinstance(step, Approval):
        for person in people:
            _seat(journal, step, person)
        due_again = due_at(journal.process.calendar, step.spans, journal.now)
        _call(journal, step.name, due_at=due_again, first_only=isinstance(step.tally, InSequence))
        verdict = step.verdict(journal)
        if verdict:
            journal.raised.append((f"{state}.{verdict}", (step.name, verdict)))
        else:
            step.wind(journal)


def _seat(journal: Journal, step: Approval | Filing, person: str) -> None:
    """A seat for everybody: a new one, or theirs again where it was cancelled. A person has one per step and round."""
    known = next((task for task in journal.seats(step.name) if task.person == person), None)
    if known is None:
        weight = journal.process.directory.weight(person, step.ask.who, journal.case.office)
        journal.line_up(step.name, "file" if isinstance(step, Filing) else "approve", person, weight=weight)
    elif known.state == "cancelled":
        open_again = replace(known, state="waiting", decided_by=None, decided_at=None, reason="", due_at=None)
        journal.record(TaskOpened(open_again))


def _call(journal: Journal, step: str, *, due_at: Any, first_only: bool) -> None:
    """Ask those who wait (in a sequence the first of them, where nobody is asked now); a new deadline for the rest."""
    for task in journal.seats(step):
        if task.state == "open":
            journal.record(TaskOpened(replace(task, due_at=due_at, counted_from=journal.now)))
    waiting: list[Task] = [task for task in journal.seats(step) if task.state == "waiting"]
    if first_only and any(task.state == "open" for task in journal.seats(step)):
        return
    for task in waiting[:1] if first_only else waiting:
        journal.call_up(task, due_at=due_at)
        journal.ask(NotifyTask(task.person, task.id))
