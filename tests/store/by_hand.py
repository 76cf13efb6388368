"""Decisions made by hand, so that the store is tested without the machine: open, ask one person, decide."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from engine.errors import AlreadyDecided
from engine.machine.case import ProcessRef, Task, Timer
from engine.machine.commands import Create, Decide, Edit, Submit
from engine.machine.evolve import empty_case, fold
from engine.machine.outcome import (
    AnyEvent,
    Created,
    FormSaved,
    Moved,
    NotifyOutcome,
    NotifyTask,
    Outcome,
    Submitted,
    TaskClosed,
    TaskOpened,
    TimerArmed,
    TimerDisarmed,
)
from engine.store import cases
from engine.store.cases import Locked, Recorded
from engine.store.rows import CaseIndex, Decided
from engine.store.session import Database

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
PROCESS = ProcessRef("telecom", 1, "f" * 64)


def open_case(
    db: Database, case_id: str = "c1", *, submitter: str = "li", office: str = "430102", key: str = ""
) -> Recorded:
    """A draft of `submitter`."""
    events = (Created(PROCESS, office, submitter),)
    outcome = Outcome(fold(empty_case(case_id, NOON), events, NOON), events, at=NOON)
    index = CaseIndex(title=f"Case {case_id}", budget=None, reach=None, confidential=True, offices=(office,))
    return cases.create(db, key, lambda _tx: Decided(Create(actor=submitter, office=office), outcome, index))


def submit(db: Database, case_id: str = "c1", *, people: tuple[str, ...] = ("wang",), key: str = "") -> Recorded:
    """Draw a number, ask `people`, arm a timer."""

    def decide(locked: Locked) -> Decided:
        case, seq = locked.case, locked.case.seq + 1
        number = f"{case.office}-2026-{locked.next_number(case.office, 2026):05}"
        opened = tuple(
            Task(f"{case.id}-{seq}-{n}", "head", "approve", person, 1, "open", NOON, NOON + timedelta(days=3))
            for n, person in enumerate(people)
        )
        timer = Timer(f"{case.id}:{seq}:late", "late", NOON + timedelta(days=3), "head")
        events: tuple[AnyEvent, ...] = (
            Submitted(number, 1, "to_city", "m"),
            Moved("approving", ("head",), {}),
            *(TaskOpened(task) for task in opened),
            TimerArmed(timer),
        )
        effects = tuple(NotifyTask(task.person, task.id) for task in opened)
        return Decided(
            Submit(actor=case.submitter, form={}, number=number),
            Outcome(fold(case, events, NOON), events, effects, NOON),
        )

    return cases.transition(db, case_id, key, decide)


def approving(person: str) -> Callable[[Locked], Decided]:
    """The first decision closes every task and the timer; whoever comes later is told who decided. Anybody may."""

    def decide(locked: Locked) -> Decided:
        case = locked.case
        if case.state == "approved":
            first = next(task for task in case.tasks if task.state == "decided")
            raise AlreadyDecided(by=first.decided_by, decision=first.decision, at=first.decided_at)
        own = next((task for task in case.tasks if task.person == person), case.tasks[0])
        closed = tuple(_closed(task, person, is_own=task is own) for task in case.tasks)
        events: tuple[AnyEvent, ...] = (
            *(TaskClosed(task) for task in closed),
            *(TimerDisarmed(timer.key) for timer in case.timers),
            Moved("approved", (), {}),
        )
        outcome = Outcome(fold(case, events, NOON), events, (NotifyOutcome(case.submitter, "approved"),), NOON)
        return Decided(Decide(actor=person, task=own.id, decision="approve"), outcome)

    return decide


def approve(db: Database, person: str, case_id: str = "c1", *, key: str = "") -> Recorded:
    """Have `person` approve."""
    return cases.transition(db, case_id, key, approving(person))


def edit(db: Database, case_id: str = "c1", *, title: str, key: str = "", number: bool = False) -> Recorded:
    """Save another title; with `number`, draw one and change nothing."""

    def decide(locked: Locked) -> Decided:
        case = locked.case
        command = Edit(actor=case.submitter, form={"title": title})
        if number:
            locked.next_number(case.office, 2026)
            return Decided(command, Outcome(case))
        events = (FormSaved({"title": title}, case.submitter),)
        index = CaseIndex(title=title, budget=None, reach=None, confidential=True, offices=("43", "4301"))
        return Decided(command, Outcome(fold(case, events, NOON), events, at=NOON), index)

    return cases.transition(db, case_id, key, decide)


def _closed(task: Task, person: str, *, is_own: bool) -> Task:
    if not is_own:
        return msgspec.structs.replace(task, state="cancelled", reason=f"{person} decided")
    return msgspec.structs.replace(
        task, state="decided", decision="approve", decided_by=person, decided_at=NOON + timedelta(hours=1)
    )
