"""The history of a case in words: what was done at each entry, by whom, where, and what it changed.

Refuses to decide who may see what: fields that the reader may not see come in as a set.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, assert_never

from sqlalchemy import Connection

from engine.machine import commands as c
from engine.machine.case import Case
from engine.machine.filing import registrations
from engine.machine.interventions import is_held
from engine.machine.outcome import (
    AnyEvent,
    FormSaved,
    Questioned,
    Submitted,
    TaskClosed,
    TaskOpened,
    TimerArmed,
    Turned,
)
from engine.machine.wider import REFUSED
from engine.organisation import Organisation
from engine.service.app import Countersign
from engine.service.drifting import drift_of, drift_view
from engine.service.fields import changes_between
from engine.service.showing import person_name
from engine.service.views import Change, Entry
from engine.store.history import Entry as Kept
from engine.values import NO_TEXT

OPERATIONS = {
    "terminate": "terminated",
    "void": "voided",
    "suspend": "suspended",
    "activate": "activated",
    "wake": "woken",
    "jump": "jumped",
    "take_back": "taken_back",
    "convert": "converted",
    "urge": "urged",
}


def history_view(
    app: Countersign, tx: Connection, case: Case, entries: Sequence[Kept], unseen: Collection[str] = ()
) -> tuple[Entry, ...]:
    """The history, newest first, without changes of fields `unseen`. Savings of a draft by one person in a row count as
    one."""
    organisation, definition = app.organisation(tx), app.definition(case.process)
    process = app.process(case.process, tx)
    shown: list[Entry] = []
    current: dict[str, Any] | None = None
    submitted: dict[str, Any] | None = None
    number = 0
    for kept in entries:
        form = _form_of(kept.events)
        changes: tuple[Change, ...] = ()
        sent = form or current  # what was saved as a draft before is not saved again with the submission
        if isinstance(kept.command, c.Submit) and sent is not None:
            changes, submitted = changes_between(definition, submitted, sent, unseen), sent
        if isinstance(kept.command, c.Widen) or (isinstance(kept.command, c.Decide) and kept.command.form):
            changes, submitted = changes_between(definition, current, sent or {}, unseen), sent
        current = form or current
        what, step = _what(kept)
        began = _round(kept.events, number)
        # who returns does so in the round before the one that this begins; a submission is the first of its own
        number, within = began, began if isinstance(kept.command, c.Submit) else number
        entry = Entry(
            seq=kept.seq,
            at=kept.at,
            actor=person_name(organisation, kept.actor),
            on_behalf_of=person_name(organisation, kept.on_behalf_of) if kept.on_behalf_of else "",
            via=_via(kept),
            what=what,
            step=process.label(step) if step else NO_TEXT,
            remark=_remark(kept.command),
            people=tuple(person_name(organisation, person) for person in _brought_in(kept)),
            gone=tuple(person_name(organisation, person) for person in _given_up(kept)),
            changes=changes,
            again=tuple(process.label(name) for name in _voided(kept.events)),
            number=_number(kept.command),
            event=process.event_label(kept.command.event) if isinstance(kept.command, c.Perform) else NO_TEXT,
            register=next((one.number for one in registrations(kept.events)), ""),
            drift=drift_view(definition, process, drift_of(kept.events), unseen),
            round=within,
        )
        if what == "edited" and shown and shown[-1].what == "edited" and shown[-1].actor == entry.actor:
            shown.pop()
        shown.append(entry)
    return tuple(reversed(shown))


def _round(events: Iterable[AnyEvent], before: int) -> int:
    """The round after these events."""
    return next((event.round for event in events if isinstance(event, Submitted | Turned)), before)


def _voided(events: Iterable[AnyEvent]) -> tuple[str, ...]:
    """The steps that a change by an approver asks again."""
    return next((event.void for event in events if isinstance(event, Turned)), ())


def _is_put_back(events: Iterable[AnyEvent]) -> bool:
    """Whether what was asked for while the delivery is paused was not granted."""
    return any(isinstance(event, Turned) and event.why == REFUSED for event in events)


def form_at(entries: Iterable[Kept], seq: int) -> dict[str, Any] | None:
    """The form as it stood after history entry `seq`, or None before the first."""
    form = None
    for kept in entries:
        if kept.seq > seq:
            break
        form = _form_of(kept.events) or form
    return form


def form_submitted(entries: Iterable[Kept]) -> dict[str, Any] | None:
    """The form as it was submitted last, or None before the first time."""
    told = tuple(entries)
    submitted = [kept.seq for kept in told if isinstance(kept.command, c.Submit)]
    return form_at(told, submitted[-1]) if submitted else None  # a form that was saved before is not saved again


def _form_of(events: Iterable[AnyEvent]) -> dict[str, Any] | None:
    return next((event.form for event in events if isinstance(event, FormSaved)), None)


def _what(kept: Kept) -> tuple[str, str]:
    """The code of an entry, and the step it was about (empty where none)."""
    command = kept.command
    match command:
        case c.Create():
            return "created", ""
        case c.Edit():
            return "edited", ""
        case c.Submit():
            first = any(isinstance(event, Submitted) and event.round == 1 for event in kept.events)
            return "submitted" if first else "resubmitted", ""
        case c.Withdraw() if _is_put_back(kept.events):
            return "more_taken_back", ""
        case c.Withdraw():
            return ("recalled" if command.again else "withdrawn"), ""
        case c.Operate():
            return OPERATIONS.get(command.operation, command.operation), command.to
        case c.Decide():
            closed = (event.task for event in kept.events if isinstance(event, TaskClosed))
            step = next((task.step for task in closed if task.id == command.task), "")
            return command.decision, step
        case c.Perform():
            left = (event.task for event in kept.events if isinstance(event, TaskClosed))
            return "performed", next((task.step for task in left if task.state == "decided"), "")
        case c.OnTask() | c.Answer() | c.HandOver():
            return _OPERATIONS[type(command)], _step_of(kept)
        case c.TimerFired():
            kind = command.name.partition(":")[0]
            return fired(kind, kept.events), command.step
        case c.Reorganise():
            changed = [event.task.step for event in kept.events if isinstance(event, TaskOpened | TaskClosed)]
            return "reorganised", changed[0] if changed else ""
        case c.Recount():
            return "recounted", ""
        case c.AudienceFrozen():
            return ("drifted" if drift_of(kept.events) else "frozen"), ""
        case c.AudienceFailed():
            return "selection_failed", ""
        case c.SelectAgain():
            return "selecting", ""
        case c.StartDelivery():
            return "started", ""
        case c.PauseDelivery():
            return "paused", ""
        case c.ResumeDelivery():
            return "resumed", ""
        case c.TextDecided():
            return ("text_chosen" if command.how == "person" else "text_found"), ""
        case c.Widen():
            return "asked_for_more", ""
        case c.DeliveryFinished():
            return "delivered", ""
        case c.Evaluated():
            return "evaluated", ""
        case c.Close():
            return "closed", ""
        case c.Migrate():
            return "migrated", ""
        case c.ChildMoved():
            return "child_moved", ""
        case c.AddChild():
            return "child_added", ""
        case c.Cancel():
            return "cancelled", ""
        case c.Hold():
            return ("held" if command.still else "released_by_parent"), ""
        case _:
            assert_never(command)


_OPERATIONS: dict[type[c.AnyCommand], str] = {
    c.Transfer: "transferred",
    c.Delegate: "delegated",
    c.AddSigners: "signers_added",
    c.Append: "appended",
    c.RemoveSigner: "signer_removed",
    c.CopyTo: "copied_to",
    c.Claim: "claimed",
    c.Release: "released",
    c.Ask: "asked",
    c.Answer: "answered",
    c.HandOver: "handed_over",
}


def _step_of(kept: Kept) -> str:
    """The step that an operation was about."""
    for event in kept.events:
        match event:
            case TaskOpened(task) | TaskClosed(task):
                return task.step
            case Questioned(question):
                return question.step
    return ""


def _brought_in(kept: Kept) -> tuple[str, ...]:
    """Whom an operation names besides the actor."""
    match kept.command:
        case c.Transfer(to=person) | c.Delegate(to=person) | c.Ask(person=person) | c.HandOver(to=person):
            return (person,)
        case c.Reorganise():
            return tuple(dict.fromkeys(event.task.person for event in kept.events if isinstance(event, TaskOpened)))
        case c.AddSigners(people=people) | c.Append(people=people) | c.CopyTo(people=people):
            return people
        case c.RemoveSigner(seat=seat):
            closed = (event.task for event in kept.events if isinstance(event, TaskClosed))
            return tuple(task.person for task in closed if task.id == seat)
        case _:
            return ()


def _given_up(kept: Kept) -> tuple[str, ...]:
    """Who is not asked any more because the organisation changed."""
    if not isinstance(kept.command, c.Reorganise):
        return ()
    closed = (event.task for event in kept.events if isinstance(event, TaskClosed))
    return tuple(dict.fromkeys(task.person for task in closed if task.state == "cancelled"))


def fired(kind: str, events: Sequence[AnyEvent]) -> str:
    """The code of a timer. A filing's silence only counts once nobody may object any more."""
    match kind:
        case "remind":
            return "reminded"
        case "escalate":
            return "escalated"
        case "return" | "reject":
            return f"auto_{kind}ed"
        case "approve":
            closed = (event.task.reason for event in events if isinstance(event, TaskClosed))
            return "auto_passed" if "auto_passed" in closed else "escalated"
        case "evaluate":
            return "evaluation_due"
        case "silence":
            is_effective = bool(registrations(events)) or not any(isinstance(event, TimerArmed) for event in events)
            return "silent" if is_effective else "objectable"
        case "objection":
            return "unobjected"
        case "expire":
            return "lapsed"
        case "staff":
            return "staffed" if any(isinstance(event, TaskOpened) for event in events) else "unstaffed"
        case _:
            return "expired"


def _via(kept: Kept) -> str:
    """The door a command came by; what a finished stage reports came by itself, not by a deadline."""
    return "stage" if kept.via == "timer" and not isinstance(kept.command, c.TimerFired) else kept.via


def _remark(command: c.AnyCommand) -> str:
    match command:
        case c.Ask() | c.Answer():
            return command.text
        case c.Decide() | c.Perform() | c.OnTask() | c.HandOver():
            return command.remark
        case c.Withdraw() | c.Operate() | c.AudienceFailed():
            return command.reason
        case c.StartDelivery() | c.PauseDelivery() | c.ResumeDelivery() | c.Widen():
            return command.reason
        case c.TextDecided():
            return " · ".join(filter(None, (f"{command.wave}: {command.variant}", command.reason)))
        case c.Close():
            return command.lessons or "\n".join(filter(None, (command.worked, command.failed, command.repeat)))
        case c.Evaluated():
            return command.label
        case c.ChildMoved():
            return " ".join(filter(None, (command.number, command.state)))
        case c.Migrate():
            return f"{command.to.name} v{command.to.version}"
        case c.TimerFired():
            return command.name.removeprefix("evaluate:") if command.name.startswith("evaluate:") else ""
        case _:
            return ""


def _number(command: c.AnyCommand) -> int | None:
    match command:
        case c.AudienceFrozen():
            return command.target
        case c.StartDelivery():
            return command.recipients
        case c.DeliveryFinished():
            return command.sums.get("audience")
        case _:
            return None


def reasons_of(entries: Iterable[Kept]) -> tuple[str, ...]:
    """Why the case took its chain: the explanation recorded with the last submission, or change that led elsewhere."""
    chosen = [
        event.reasons
        for kept in entries
        for event in kept.events
        if isinstance(event, Submitted) or (isinstance(event, Turned) and event.reasons)
    ]
    return chosen[-1] if chosen else ()


def reason_of(organisation: Organisation, entries: Sequence[Kept], case: Case) -> tuple[str, str]:
    """Why the case was returned, rejected or withdrawn, or its selection failed, and who said so; empty otherwise."""
    wanted: dict[str, tuple[str, ...]] = {
        "returned": ("return", "reject", "auto_returned", "auto_rejected", "performed"),
        "rejected": ("reject", "auto_rejected", "performed"),
        "withdrawn": ("withdrawn",),
        "cancelled": ("terminated",),
        "voided": ("voided",),
        "suspended": () if is_held(case) else ("suspended",),
        "targeting": ("selection_failed",) if case.facts.get("audience_failed") else (),
        "paused": ("paused",),
    }
    for kept in reversed(entries):
        if _what(kept)[0] in wanted.get(case.state, ()):
            return _remark(kept.command), person_name(organisation, kept.actor)
    return "", ""
