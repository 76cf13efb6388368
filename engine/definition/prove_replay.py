"""A path through the chart, run on the machine itself with invented people: only then is it a counterexample.

What happened is read from the history of the run, not from the path. Refuses events that a trial cannot bring about;
`NotPlayed` says which.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from engine.definition.cast import Cast
from engine.definition.guarantees import Occurrence
from engine.definition.prove_lifecycle import SILENCE, timed
from engine.definition.trial import Trial
from engine.errors import CountersignError
from engine.machine.case import Decision
from engine.machine.commands import (
    AudienceFrozen,
    Close,
    DeliveryFinished,
    Edit,
    Evaluated,
    PauseDelivery,
    Perform,
    ResumeDelivery,
    StartDelivery,
    Withdraw,
)
from engine.machine.declared import holders
from engine.machine.expiring import EXPIRE, EXPIRED
from engine.machine.outcome import Moved, NotifyOutcome, Submitted, TaskClosed, TaskOpened
from engine.machine.process import Process
from engine.machine.states import Evaluation
from engine.organisation import Workdays

_DECISIONS: dict[str, Decision] = {
    "approve": "approve",
    "reject": "reject",
    "return": "return",
    "effective": "acknowledge",
    "object": "object",
}
_STAGES = ("frozen", "start", "pause", "resume", "delivered", "close", "withdraw")
_LONGEST_WAIT = 20
CONVERT = "convert"
ROUND = Occurrence("", "round")


class NotPlayed(Exception):
    """The path cannot be brought about on the machine; the text says where it ended."""


@dataclass(frozen=True)
class Played:
    """A run of the machine: what was done, in words, what happened, in order, and where the case is."""

    form: dict[str, Any]
    done: tuple[str, ...]
    happened: tuple[Occurrence, ...]
    state: str
    route: str
    trial: Trial
    events: tuple[str, ...] = ()


def is_playable(process: Process, event: str) -> bool:
    """Whether a trial can bring the event about."""
    _, dot, verdict = event.rpartition(".")
    if ":" in event or event in timed(process) or (event == EXPIRE and process.expires is not None):
        return True
    is_of_step = bool(dot and (verdict in _DECISIONS or verdict in (CONVERT, SILENCE)) and "/" in event)
    return event in _STAGES or event.startswith("submit.") or is_of_step


def started(process: Process, form: dict[str, Any], cast: Cast | None = None) -> Trial:
    """A case submitted with `form`. Raises what the machine refuses."""
    trial = _trial(process, cast)
    trial.submit(form)
    return trial


def _trial(process: Process, cast: Cast | None = None) -> Trial:
    return Trial(process.bound(cast or Cast(), Workdays(ZoneInfo("Asia/Shanghai"))))


def play(process: Process, form: dict[str, Any], events: Sequence[str]) -> Played:
    """Bring the events about one after the other, with that form. Raises NotPlayed."""
    done: list[str] = []
    try:
        if not events[0].startswith("submit."):
            trial = _trial(process)
            trial.do(Edit(actor=trial.submitter, form=form))
            done += [_submitted(trial, form) if one.startswith("submit.") else _carry_out(trial, one) for one in events]
            return played(trial, form, done, events)
        trial = started(process, form)
        if (trial.case.route or "") != events[0].removeprefix("submit."):
            raise NotPlayed(f"the case takes the chain {trial.case.route}")
        for event in events[1:]:
            done.append(_submitted(trial, form) if event == events[0] else _carry_out(trial, event))
    except CountersignError as error:
        raise NotPlayed(f"after {', '.join(done) or 'nothing'}: {error.message}") from None
    return played(trial, form, done, events)


def played(trial: Trial, form: dict[str, Any], done: Sequence[str], events: Sequence[str] = ()) -> Played:
    """What a run came to."""
    happened = tuple(_happened(trial))
    return Played(form, tuple(done), happened, trial.case.state, trial.case.route or "", trial, tuple(events))


def _submitted(trial: Trial, form: dict[str, Any]) -> str:
    trial.submit(form)
    return "submit"


def _performed(trial: Trial, event: str) -> str:
    name, _, role = event.partition(":")
    actor = next(iter(holders(trial.process, trial.case, role)), "")
    trial.do(Perform(actor=actor, event=name, role=role, remark="as tried"))
    return f"{role} does {name}"


def _waited(trial: Trial, event: str) -> str:
    before = trial.case.configuration
    for _ in range(_LONGEST_WAIT):
        if trial.next_timer() is None:
            break
        trial.wait_for_next()
        if trial.case.configuration != before:
            return f"wait until {event}"
    raise NotPlayed(f"time does not bring {event} about")


def _expired(trial: Trial) -> str:
    span = trial.process.expires
    if span is None or not trial.process.may(trial.case, EXPIRE):
        raise NotPlayed("no time limit of the approval is counting")
    trial.wait(span)
    if trial.case.state != EXPIRED:
        raise NotPlayed(f"after {span} it is {trial.case.state}")
    return f"wait {span}"


def _silent(trial: Trial, state: str, step: str) -> str:
    for _ in range(_LONGEST_WAIT):
        if state not in trial.case.configuration:
            return f"silence at {step}"
        if trial.next_timer() is None:
            break
        trial.wait_for_next()
    raise NotPlayed(f"silence does not end {step}")


def _carry_out(trial: Trial, event: str) -> str:
    """Bring an event about, and say it in words."""
    if ":" in event:
        return _performed(trial, event)
    if event in timed(trial.process):
        return _waited(trial, event)
    if event == EXPIRE:
        return _expired(trial)
    if event in _STAGES:
        _stage(trial, event)
        return event
    state, _, verdict = event.rpartition(".")
    if verdict == CONVERT and state in trial.case.configuration:
        trial.convert()
        return "superior converts"
    step, decision = state.rpartition("/")[2], _DECISIONS.get(verdict)
    if verdict == SILENCE and state in trial.case.configuration:
        return _silent(trial, state, step)
    if decision is None:
        raise NotPlayed(f"{event} is not tried")
    if state not in trial.case.configuration:
        raise NotPlayed(f"the case is not at {step}")
    while state in trial.case.configuration:
        tasks = trial.open_tasks(step)
        if not tasks:
            break
        before = trial.case.seq
        trial.decide(tasks[0], decision)
        if trial.case.seq == before:
            raise NotPlayed(f"{step} {decision} changes nothing")
    return f"{step} {decision}"


def _stage(trial: Trial, event: str) -> None:
    me = trial.submitter
    match event:
        case "frozen":
            trial.do(AudienceFrozen(actor="system", snapshot="s", digest="d", target=trial.expected(100), control=10))
        case "start":
            trial.do(StartDelivery(actor=me, recipients=int(trial.case.facts.get("target", 0))))
        case "pause":
            trial.do(PauseDelivery(actor=me))
        case "resume":
            trial.do(ResumeDelivery(actor=me))
        case "delivered":
            trial.do(DeliveryFinished(actor="system", sums={"delivered": 90}))
        case "withdraw":
            trial.do(Withdraw(actor=me))
        case _:
            kind = trial.process.kinds.get(trial.case.state)
            planned = kind.at if isinstance(kind, Evaluation) else ()
            for n, after in enumerate(planned, 1):
                last = n == len(planned)
                trial.do(Evaluated(actor="system", label=str(after), digest="d", verdict="unclear", last=last))
            trial.do(Close(actor=me))


def _happened(trial: Trial) -> Iterator[Occurrence]:
    for outcome in trial.outcomes:
        for event in outcome.events:
            match event:
                case Submitted():
                    yield ROUND
                case TaskOpened(task):
                    yield Occurrence(task.step, "asked")
                case TaskClosed(task) if task.decision == "approve":
                    yield Occurrence(task.step, "approved")
                case TaskClosed(task) if task.verb == "file" and (
                    task.decision == "acknowledge" or task.reason == "silence"
                ):
                    yield Occurrence(task.step, "acknowledged")
                case _:
                    pass
        # a state that is only passed through tells the submitter, but is not where the chart rests
        for effect in outcome.effects:
            if isinstance(effect, NotifyOutcome) and effect.occasion in ("approved", "filed"):
                yield Occurrence(effect.occasion)
        for event in outcome.events:
            if isinstance(event, Moved):
                yield Occurrence(event.state)
