"""How a fact changes a case. The one reading of events: deciding, replaying and checking all fold with it.

Refuses nothing: what is in the history has happened.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from engine.machine.case import Case, Child, ProcessRef, Registration, Task
from engine.machine.outcome import (
    AnyEvent,
    ChildChanged,
    ClockStarted,
    ClockStopped,
    Created,
    Drifted,
    Flagged,
    FormSaved,
    Funded,
    Migrated,
    Moved,
    Noted,
    Questioned,
    Registered,
    Returned,
    Submitted,
    TaskClosed,
    TaskOpened,
    TimerArmed,
    TimerDisarmed,
    Turned,
)


def empty_case(case_id: str, at: datetime) -> Case:
    """The case before its first event."""
    return Case(case_id, ProcessRef("", 0, ""), office="", submitter="", created_at=at, updated_at=at)


def next_entry(case: Case, at: datetime) -> Case:
    """The case with the next history entry begun, before its events."""
    return replace(case, seq=case.seq + 1, updated_at=at)


def fold(case: Case, events: Iterable[AnyEvent], at: datetime) -> Case:
    """The case after one history entry with these events."""
    case = next_entry(case, at)
    for event in events:
        case = evolve(case, event)
    return case


def evolve(case: Case, event: AnyEvent) -> Case:
    """The case after one event of the entry that is being written."""
    match event:
        case TaskClosed() | TaskOpened():
            return replace(case, tasks=_with(case.tasks, event.task))
        case TimerDisarmed():
            return replace(case, timers=tuple(timer for timer in case.timers if timer.key != event.key))
        case TimerArmed():
            return replace(case, timers=(*case.timers, event.timer))
        case Moved():
            return replace(case, state=event.state, configuration=event.configuration, remembered=event.remembered)
        case FormSaved():
            seq = case.seq if event.material else case.form_seq
            drift = case.drift if event.same_list or not event.material else None
            return replace(case, form=event.form, editor=event.editor, form_seq=seq, drift=drift)
        case Submitted():
            return replace(
                case,
                number=event.number,
                round=event.round,
                route=event.route,
                material=event.material,
                since=event.round,
                standing=event.standing,
                returned_at="",
                returned_by="",
            )
        case Flagged():
            return replace(case, splitting=event.splitting)
        case Funded():
            return replace(case, fund=event.fund)
        case Returned():
            return replace(case, returned_at=event.step, returned_by=event.by)
        case Turned():
            route = event.route or case.route
            return replace(case, round=event.round, standing=event.standing, route=route)
        case Questioned():
            others = tuple(one for one in case.questions if one.id != event.question.id)
            return replace(case, questions=(*others, event.question))
        case ClockStopped():
            return replace(case, stopped=(*case.stopped, event.stopped))
        case ClockStarted():
            return replace(case, stopped=tuple(one for one in case.stopped if one.step != event.step))
        case Noted():
            return replace(case, facts={**case.facts, **event.facts})
        case Drifted():
            seq = case.form_seq if event.drift is None else case.seq
            return replace(case, drift=event.drift, form_seq=seq)
        case Created():
            opened = replace(case, process=event.process, office=event.office, submitter=event.submitter)
            return replace(opened, parent=event.parent)
        case Migrated():
            return replace(case, process=event.process)
        case ChildChanged():
            return replace(case, children=_with_child(case.children, event.child))
        case Registered():
            return replace(case, registered=_with_registration(case.registered, event.registration))
        case _:
            assert_never(event)


def _with(tasks: tuple[Task, ...], task: Task) -> tuple[Task, ...]:
    for place, known in enumerate(tasks):
        if known.id == task.id:
            return (*tasks[:place], task, *tasks[place + 1 :])
    return (*tasks, task)


def _with_child(children: tuple[Child, ...], child: Child) -> tuple[Child, ...]:
    if all(known.id != child.id for known in children):
        return (*children, child)
    return tuple(child if known.id == child.id else known for known in children)


def _with_registration(known: tuple[Registration, ...], fresh: Registration) -> tuple[Registration, ...]:
    return (*(one for one in known if one.step != fresh.step), fresh)
