"""The only place where a case changes its state: a command comes in, the case after it goes out.

The active state takes the command and names an event; the chart moves on it; states that are left tidy up, states that
are entered ask people and arm timers. Everything is recorded as events, so the case after is the fold of them over the
case before. Refuses what is not possible, and says what is.
"""

from datetime import datetime

from msgspec.structs import replace

from engine.errors import ChangedMeanwhile, NotFound, NotPossible
from engine.machine import children, expiring
from engine.machine.amending import amend
from engine.machine.case import Case, ProcessRef
from engine.machine.commands import (
    AddChild,
    AddSigners,
    Answer,
    AnyCommand,
    Append,
    Ask,
    AudienceFailed,
    AudienceFrozen,
    Cancel,
    ChildMoved,
    Claim,
    Close,
    CopyTo,
    Create,
    Decide,
    Delegate,
    DeliveryFinished,
    Edit,
    Evaluated,
    HandOver,
    Hold,
    Migrate,
    OnTask,
    Operate,
    PauseDelivery,
    Perform,
    Recount,
    Release,
    RemoveSigner,
    Reorganise,
    ResumeDelivery,
    SelectAgain,
    StartDelivery,
    Submit,
    TextDecided,
    TimerFired,
    Transfer,
    Widen,
    Withdraw,
)
from engine.machine.declared import perform
from engine.machine.eligible import check_person
from engine.machine.evolve import empty_case, evolve, fold
from engine.machine.filing import Filing
from engine.machine.handing import hand_over
from engine.machine.interventions import hold, intervene
from engine.machine.journal import Journal
from engine.machine.migrating import migrate
from engine.machine.operations import answer, operate
from engine.machine.outcome import AnyEvent, Created, FormSaved, Moved, Outcome, TellParent, TimerDisarmed
from engine.machine.process import Process
from engine.machine.recounting import recount
from engine.machine.resolving import STAFF, look_again, resolve_again
from engine.machine.returns import redirected, resolve
from engine.machine.states import SUSPENDED, Refusal
from engine.machine.step import Movement, macrostep, start
from engine.machine.steps import Approval, check_decision
from engine.machine.widening import widen
from engine.machine.wider import TAKEN_BACK, is_widening

__all__ = ["advance", "create", "evolve"]

LONGEST = 100
_DRAFT = Moved("draft", ("draft",), {})


def create(case_id: str, ref: ProcessRef, command: Create, now: datetime, process: Process | None = None) -> Outcome:
    """A new draft of the actor in their office, with its first events.

    `process` is needed where the definition may declare a lifecycle: it says where a case begins.
    """
    passed = (FormSaved(command.form, command.actor),) if command.form else ()
    if process is None or process.declared is None:
        events: tuple[AnyEvent, ...] = (Created(ref, command.office, command.actor, command.parent), *passed, _DRAFT)
        told = (TellParent(command.parent.case, _DRAFT.state, 1, ended=False),) if command.parent else ()
        return Outcome(fold(empty_case(case_id, now), events, now), events, told, at=now)
    journal = Journal(process, empty_case(case_id, now), command, now)
    journal.record(Created(ref, command.office, command.actor, command.parent))
    for saved in passed:
        journal.record(saved)
    _settle(journal, start(process.chart, journal.values))
    return _to_rest(journal, "create")


def advance(process: Process, case: Case, command: AnyCommand, now: datetime) -> Outcome:
    """Decide what `command` changes. The case is as locked; nothing is stored here.

    An outcome without events changed nothing (a timer that is no longer armed, a form saved as it was). Raises
    NotPossible, AlreadyDecided, ChangedMeanwhile, OwnCase, InvalidForm, and NotFound for what is not the actor's.
    """
    journal = Journal(process, case, command, now)
    try:
        if case.state == SUSPENDED and isinstance(command, Recount | Reorganise | TimerFired):
            return journal.outcome()  # its people are asked anew when it goes on; a tick comes late, nothing is armed
        if case.state == SUSPENDED and not isinstance(command, Operate | ChildMoved | Cancel | Hold):
            raise Refusal
        event = _event(journal, command)
    except Refusal:
        possible = ", ".join(process.possible(case)) or "nothing"
        raise NotPossible(action=_action(command), state=case.state, possible=possible) from None
    if event:
        _move(journal, event)
    return _to_rest(journal, _action(command))


def _event(journal: Journal, command: AnyCommand) -> str:
    """Do what is asked; the event that moves the chart, or none."""
    process, case = journal.process, journal.case
    match command:
        case Decide():
            return redirected(journal, _decide(journal, command))
        case OnTask():
            return redirected(journal, operate(journal, command))
        case Answer():
            return answer(journal, command)
        case HandOver():
            hand_over(journal, command)
            return ""
        case TimerFired():
            return redirected(journal, _fire(journal, command))
        case Reorganise():
            resolve_again(journal)
            return ""
        case Recount():
            recount(journal)
            return ""
        case Withdraw():
            return _withdraw(journal)
        case Migrate():
            migrate(journal, command)
            return ""
        case Operate():
            return intervene(journal, command)
        case Perform():
            return perform(journal, command)
        case ChildMoved():
            return children.heard(journal, command)
        case AddChild():
            return children.add(journal, command)
        case Widen():
            return widen(journal, command)
        case Cancel():
            return children.cancel(journal, command)
        case Hold():
            hold(journal, command)
            return ""
        case _ if process.declared is not None:
            return _take(journal, command)
        case _:
            return process.kinds[case.state].take(journal, command, case.state)


def _to_rest(journal: Journal, action: str) -> Outcome:
    for _ in range(LONGEST):
        if not journal.raised:
            children.tell(journal)
            return journal.outcome()
        event, journal.cause = journal.raised.pop(0)
        if children.is_past(journal, event):
            continue
        _move(journal, event)
    raise RecursionError(f"{journal.case.id} does not come to rest after {action}")


def _take(journal: Journal, command: AnyCommand) -> str:
    """The innermost active state that takes the command does."""
    process = journal.process
    for name in process.active(journal.case):
        try:
            if name in process.kinds:
                return process.kinds[name].take(journal, command, name)
        except Refusal:
            continue
    raise Refusal


def _decide(journal: Journal, command: Decide) -> str:
    case = journal.case
    task = next((task for task in case.tasks if task.id == command.task), None)
    if task is None or task.person not in (command.actor, command.on_behalf_of):
        raise NotFound()
    if task.verb == "work":
        raise Refusal  # a declared state's task is done by one of its events
    state, step = journal.process.step(case, task.step)
    check_decision(step, task, command, case)
    if task.verb == "copy":
        journal.decide(task, "read", remark=command.remark)
        return ""
    check_person(journal, task, command)
    if state not in case.configuration:
        raise Refusal
    if command.seen_seq is not None and command.seen_seq < case.form_seq:
        raise ChangedMeanwhile()
    if command.decision == "return":
        journal.command = command = replace(command, to=resolve(journal.process, case, task.step, command.to))
    if command.form:
        return amend(journal, task, command, state)
    return step.decide(journal, task, command, state)


def _fire(journal: Journal, command: TimerFired) -> str:
    case = journal.case
    timer = next((timer for timer in case.timers if timer.key == command.key), None)
    if timer is None:
        return ""
    journal.record(TimerDisarmed(timer.key))
    if timer.name == expiring.EXPIRE:
        return expiring.fire(journal)
    state = journal.process.state_of_timer(case, timer)
    kind = journal.process.kinds[state]
    if timer.name == STAFF and isinstance(kind, Approval | Filing):
        look_again(journal, kind, state)
        return ""
    return kind.fire(journal, timer, state)


def _withdraw(journal: Journal) -> str:
    if journal.command.actor != journal.case.submitter:
        raise NotFound()
    if not journal.process.may(journal.case, "withdraw"):
        raise Refusal
    journal.cause = ("", "withdraw")
    to_change = journal.command.again  # type: ignore[union-attr]  # a Withdraw
    if is_widening(journal.case):
        if to_change:
            raise Refusal
        return TAKEN_BACK
    if not to_change:
        return "withdraw"
    if not journal.process.may(journal.case, "recall"):
        raise Refusal
    return "recall"


def _move(journal: Journal, event: str) -> None:
    """Move the chart: the states left first, then where it is now, then the states entered."""
    process, case = journal.process, journal.case
    chart = process.chart
    moved = macrostep(chart, chart.mask(case.configuration), case.remembered, event, journal.values)
    if moved is None:
        raise LookupError(f"{event} leads nowhere from {', '.join(case.configuration)}")
    _settle(journal, moved)


def _settle(journal: Journal, moved: Movement) -> None:
    """Record where the chart is now, between what leaving and entering means."""
    chart, kinds = journal.process.chart, journal.process.kinds
    for microstep in moved.microsteps:
        for number in microstep.left:
            kind = kinds.get(chart.states[number].id)
            if kind is not None:
                kind.leave(journal, chart.states[number].id)
    atomic = moved.active & chart.atomic
    journal.record(Moved(chart.top(atomic), chart.names(atomic), moved.remembered))
    for microstep in moved.microsteps:
        for number in microstep.entered:
            kind = kinds.get(chart.states[number].id)
            if kind is not None:
                kind.enter(journal, chart.states[number].id)


def _action(command: AnyCommand) -> str:
    """What the actor wanted, in the words of pages."""
    match command:
        case Decide():
            return command.decision
        case Perform():
            return command.event
        case Operate():
            return command.operation
        case _:
            return _WORDS[type(command)]


_WORDS: dict[type[AnyCommand], str] = {
    Create: "create",
    Edit: "edit",
    Submit: "submit",
    Withdraw: "withdraw",
    Transfer: "transfer",
    Delegate: "delegate",
    AddSigners: "add_signer",
    Append: "append",
    RemoveSigner: "remove_signer",
    CopyTo: "copy",
    Claim: "claim",
    Release: "give the task back",
    Ask: "ask",
    Answer: "answer",
    HandOver: "hand over",
    TimerFired: "act on time",
    Recount: "count the deadlines again",
    Reorganise: "ask whom the organisation names now",
    AudienceFrozen: "freeze the audience",
    AudienceFailed: "give up the selection",
    SelectAgain: "select the customers again",
    StartDelivery: "start the delivery",
    PauseDelivery: "pause the delivery",
    ResumeDelivery: "resume the delivery",
    TextDecided: "choose the text",
    Widen: "ask for more",
    DeliveryFinished: "finish the delivery",
    Evaluated: "evaluate",
    Close: "close",
    Migrate: "move to another version",
    ChildMoved: "follow its case",
    AddChild: "open another case",
    Cancel: "cancel",
    Hold: "stand still or go on",
}
