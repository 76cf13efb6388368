"""What can be done with a whole case outside its ordinary way: terminate, void, suspend, activate, wake, jump, take
back, convert, urge.

Each is for the process administrator, the submitter, who decided last, or a superior, and most need a reason. A case
that another one opened is suspended with it, and goes on with it unless it was suspended by itself. In a
lifecycle that the definition declares they do the same: a case goes on from where it was suspended, jumps to one of its
states too, and is void only after its approval. Refuses to take a case past an approval.
"""

from datetime import datetime, timedelta

from engine.errors import InvalidForm, NotFound, Problem
from engine.machine import clocks, drifting
from engine.machine.case import Case, Task, Timer
from engine.machine.children import go_on, has_ended, hold_all
from engine.machine.commands import Hold, Operate
from engine.machine.converting import convert
from engine.machine.declared import JUMP, Lifecycle
from engine.machine.journal import Journal
from engine.machine.outcome import HoldDelivery, Moved, Noted, SelectAudience, TaskOpened
from engine.machine.process import Process
from engine.machine.resolving import resolve_again
from engine.machine.returns import turn
from engine.machine.standing import in_force, places
from engine.machine.states import SUSPENDED, Refusal, end_sending, held_state, is_sending
from engine.machine.steps import last_decided
from engine.machine.urging import urge

PROCESS_ADMIN = "role:process_admin"
RESTS = ("form", "task", "wait")
WAKES = ("rejected", "cancelled", "withdrawn", "expired")
NEED_REASON = ("terminate", "void", "suspend", "wake", "jump", "convert")


def intervene(journal: Journal, command: Operate) -> str:
    """Carry an operation out; returns the event that moves the chart, empty where it stays.

    Raises NotFound for who may not, Refusal where the case is not in a state for it, InvalidForm without a reason.
    """
    if command.operation in NEED_REASON and not command.reason.strip():
        raise InvalidForm(
            [Problem("remark_missing", f"say why you {command.operation}", "others read it", at="reason")]
        )
    match command.operation:
        case "terminate":
            return _terminate(journal)
        case "void":
            return _void(journal)
        case "suspend":
            return _suspend(journal)
        case "activate":
            return _activate(journal)
        case "wake":
            return _wake(journal)
        case "jump":
            return _jump(journal, command.to)
        case "take_back":
            return _take_back(journal)
        case "convert":
            return convert(journal)
        case "urge":
            return urge(journal)
        case _:
            raise Refusal


def is_admin(journal: Journal) -> bool:
    """Whether who acts administers processes for the case's office."""
    case = journal.case
    return journal.command.actor in journal.process.directory.resolve(PROCESS_ADMIN, case.office, case.submitter)


def _only_admin(journal: Journal) -> None:
    if not is_admin(journal):
        raise NotFound()


def _only_admin_or_submitter(journal: Journal) -> None:
    if journal.command.actor != journal.case.submitter:
        _only_admin(journal)


def _terminate(journal: Journal) -> str:
    _only_admin(journal)
    if journal.process.is_end(held_state(journal.case)):
        raise Refusal
    end_sending(journal)
    journal.cause = ("", "terminate")
    return "terminate"


def _void(journal: Journal) -> str:
    _only_admin_or_submitter(journal)
    is_effective = journal.case.state in journal.process.effective or is_sending(journal.case)
    if not is_effective or journal.process.is_end(journal.case.state):
        raise Refusal
    end_sending(journal)
    journal.cause = ("", "void")
    return "void"


def _suspend(journal: Journal) -> str:
    """Suspended with its parent before, it is so by itself from now on."""
    _only_admin(journal)
    if is_held(journal.case):
        journal.record(Noted({"suspended": {**journal.case.facts["suspended"], "with_parent": False}}))
    elif journal.case.state == SUSPENDED or journal.process.is_end(journal.case.state):
        raise Refusal
    else:
        _stand_still(journal, with_parent=False)
    return ""


def _activate(journal: Journal) -> str:
    _only_admin(journal)
    if journal.case.state != SUSPENDED:
        raise Refusal
    _go_on(journal)
    return ""


def hold(journal: Journal, command: Hold) -> None:
    """Follow the case that opened this one. Nothing changes where this one has ended, stands as it should, or was
    suspended by itself."""
    case = journal.case
    if command.still and case.state != SUSPENDED and not has_ended(journal.process, case):
        _stand_still(journal, with_parent=True)
    elif not command.still and is_held(case):
        _go_on(journal)


def is_held(case: Case) -> bool:
    """Whether it is suspended only because the case that opened it is."""
    return case.state == SUSPENDED and bool(case.facts["suspended"].get("with_parent"))


def _stand_still(journal: Journal, *, with_parent: bool) -> None:
    case = journal.case
    left = [[timer.name, timer.step, (timer.due_at - journal.now).total_seconds()] for timer in case.timers]
    counted = [[timer.since.isoformat() if timer.since else "", timer.span] for timer in case.timers]
    held = {"state": case.state, "at": journal.now.isoformat(), "timers": left, "counted": counted}
    journal.record(Noted({"suspended": {**held, "with_parent": with_parent}}))
    journal.disarm(case.timers)
    journal.record(Moved(SUSPENDED, case.configuration, case.remembered))
    if case.state == "delivering":
        journal.ask(HoldDelivery("pause"))
    hold_all(journal)


def _go_on(journal: Journal) -> None:
    """Go on where it was. What was due moves by the time that the case stood still, in working days as for a step
    whose clock stood still."""
    case = journal.case
    held = case.facts["suspended"]
    at, calendar = datetime.fromisoformat(held["at"]), journal.process.calendar
    journal.record(Moved(held["state"], case.configuration, case.remembered))
    for task in case.tasks:
        if task.state == "open" and task.due_at is not None and not clocks.is_stopped(journal, task.step):
            spans = journal.process.spans(task, case.route)
            journal.record(TaskOpened(clocks.asked_later(calendar, task, spans, at, journal.now)))
    # a case that was put on hold by an earlier release does not say how its timers were counted
    counted = held.get("counted") or [["", ""]] * len(held["timers"])
    for (name, step, seconds), (since, span) in zip(held["timers"], counted, strict=True):
        due = at + timedelta(seconds=seconds)
        timer = Timer("", name, due, step, datetime.fromisoformat(since) if since else None, span)
        journal.arm_again(clocks.later(calendar, timer, at, journal.now))
    journal.record(Noted({"suspended": None}))
    if held["state"] == "delivering":
        journal.ask(HoldDelivery("resume"))
    if held["state"] == "targeting":
        journal.ask(SelectAudience())
    hold_all(journal)
    resolve_again(journal)
    go_on(journal)


def _wake(journal: Journal) -> str:
    case = journal.case
    if case.state not in WAKES:
        raise Refusal
    if case.state == "withdrawn":
        _only_admin_or_submitter(journal)
    else:
        _only_admin(journal)
    drifting.forget(journal)
    forms = _forms(journal.process)
    if not forms:
        raise Refusal
    return f"{JUMP}.{forms[-1 if case.number else 0]}"


def may_wake(process: Process) -> bool:
    """Whether cases have a form to wake up to."""
    return bool(_forms(process))


def _forms(process: Process) -> tuple[str, ...]:
    return process.declared.wakes if process.declared else ("draft", "returned")


def _jump(journal: Journal, to: str) -> str:
    """To any step of the chain, or to a declared state; those who are asked now need not decide any more."""
    _only_admin(journal)
    case, process = journal.case, journal.process
    states = _places(journal)
    if not states and case.state != "approving":
        raise Refusal
    steps = tuple(places(process.chains[case.route or ""])) if case.state == "approving" else ()
    journal.cause = ("", "jump")
    if to in states:
        return f"{JUMP}.{to}"
    if not steps or not process.may(case, f"goto.{case.route}/{to}"):
        what = "the chain of this case has no step" if process.declared is None else "there is no step and no state"
        hint = f"possible: {', '.join((*steps, *states))}"
        raise InvalidForm([Problem("jump", f"{what} {to} to jump to", hint, at="to")])
    return turn(journal, to, "jump")


def _places(journal: Journal) -> tuple[str, ...]:
    """The declared states that a case may be put into by hand; none where it has ended, is suspended or waves
    go out."""
    process, state = journal.process, journal.case.state
    if process.declared is None or state == SUSPENDED or is_sending(journal.case) or process.is_end(state):
        return ()
    after = () if state in process.effective else process.effective
    return tuple(name for name in process.declared.by_hand if name != state and name not in after)


def _take_back(journal: Journal) -> str:
    """Who approved last decides again, as long as nobody after them has."""
    case = journal.case
    if journal.process.declared is not None and case.state != "approving":
        return _act_again(journal, journal.process.declared)
    if case.state != "approving":
        raise Refusal
    last = _last(case)
    if last is None or journal.command.actor not in (last.decided_by, last.person):
        raise NotFound()
    if last.reason == "carried" or last.step not in places(journal.process.chains[case.route or ""]):
        raise Refusal
    journal.cause = ("", "take_back")
    return turn(journal, last.step, "take_back", by_step=last.step)


def _act_again(journal: Journal, lifecycle: Lifecycle) -> str:
    """Who moved the case last acts again in the state it was in, as long as it rests where they brought it."""
    case = journal.case
    acted = [task for task in case.tasks if (task.decision, task.round) == ("done", case.round)]
    last = last_decided(acted)
    if last is None or last.decided_at is None or journal.command.actor not in (last.decided_by, last.person):
        raise NotFound()
    now = [lifecycle.places.get(name) for name in case.configuration]
    after = any((task.decided_at or task.opened_at) > last.decided_at for task in case.tasks)
    if after or last.step not in _places(journal) or any(one is None or one.kind not in RESTS for one in now):
        raise Refusal
    journal.cause = ("", "take_back")
    return f"{JUMP}.{last.step}"


def _last(case: Case) -> Task | None:
    decided = [task for task in in_force(case) if task.verb == "approve" and task.decided_at is not None]
    return max(decided, key=lambda task: (task.decided_at, task.id), default=None)
