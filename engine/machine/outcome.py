"""What a decision of the machine consists of: facts for the history, effects for the outbox. Closed unions.

Folding the events of a case's history over an empty case rebuilds the case (`evolve`); the store derives its rows
(tasks, timers) from the same events, so the two cannot disagree.
"""

from datetime import datetime
from typing import Any

from msgspec import Struct

from engine.machine.case import (
    Case,
    Child,
    Drift,
    Fund,
    Parent,
    ProcessRef,
    Question,
    Registration,
    Splitting,
    Stopped,
    Task,
    Timer,
)


class Event(Struct, frozen=True, tag=True):
    """A fact that happened to a case."""


class Created(Event, frozen=True):
    """A draft was opened."""

    process: ProcessRef
    office: str
    submitter: str
    parent: Parent | None = None


class FormSaved(Event, frozen=True):
    """The values of the form from now on (whole, not a difference). `material`: what approvals look at changed.

    `same_list`: the customers that were frozen do not depend on what changed.
    """

    form: dict[str, Any]
    editor: str
    material: bool = True
    same_list: bool = False


class Submitted(Event, frozen=True):
    """A round began: its number, the chain chosen, the digest of the material fields.

    `standing`: the approvals of earlier rounds that still hold, by the policy `resume`.
    """

    number: str
    round: int
    route: str
    material: str
    reasons: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    resume: str = ""


class Flagged(Event, frozen=True):
    """The case stands just under a limit beside others of its office; None where a later submission does not."""

    splitting: Splitting | None


class Funded(Event, frozen=True):
    """The case is submitted under a budget of its office; None where the office has none."""

    fund: Fund | None


class Returned(Event, frozen=True):
    """A step sent the case back to the submitter, who resumes it by this record."""

    step: str
    by: str


class Turned(Event, frozen=True):
    """The case goes on from the step `to` in a round of its own: returned, jumped, taken_back, amended,
    converted, again. `by_step` is the step that sent it there, if one did; `standing` as in Submitted.

    An amendment goes on from the start of the chain `route`, which it may change, for `reasons`; `void` are the steps
    whose approvals it voided.
    """

    round: int
    to: str
    why: str
    by: str
    by_step: str = ""
    standing: tuple[str, ...] = ()
    route: str = ""
    reasons: tuple[str, ...] = ()
    void: tuple[str, ...] = ()


class Moved(Event, frozen=True):
    """The chart moved. `state` is the state of the lifecycle, `configuration` all active atomic states."""

    state: str
    configuration: tuple[str, ...]
    remembered: dict[str, tuple[str, ...]]


class TaskOpened(Event, frozen=True):
    """A person was asked (state open or waiting)."""

    task: Task


class TaskClosed(Event, frozen=True):
    """A task was decided, or cancelled with a reason; a waiting task that is opened comes as TaskOpened again."""

    task: Task


class TimerArmed(Event, frozen=True):
    """Something will be due."""

    timer: Timer


class TimerDisarmed(Event, frozen=True):
    """It fired, or is no longer due."""

    key: str


class Questioned(Event, frozen=True):
    """A question was asked, or answered."""

    question: Question


class ClockStopped(Event, frozen=True):
    """The clock of a step stands still; its timers are gone until it goes on."""

    stopped: Stopped


class ClockStarted(Event, frozen=True):
    """The clock of a step goes on."""

    step: str


class Noted(Event, frozen=True):
    """A stage reported facts (counts, digests, verdicts), merged over `Case.facts`."""

    facts: dict[str, Any]


class Drifted(Event, frozen=True):
    """The frozen audience is not what the form declared; None: that does not count any more."""

    drift: Drift | None


class Migrated(Event, frozen=True):
    """The case follows this version of its definition from now on."""

    process: ProcessRef


class ChildChanged(Event, frozen=True):
    """A case that this one opened was planned, told where it is, or does not matter any more."""

    child: Child


class Registered(Event, frozen=True):
    """A filing took effect and stands in the register. Its number is empty until the transaction draws one."""

    registration: Registration


AnyEvent = (
    Created
    | FormSaved
    | Submitted
    | Flagged
    | Returned
    | Turned
    | Moved
    | TaskOpened
    | TaskClosed
    | TimerArmed
    | TimerDisarmed
    | Questioned
    | ClockStopped
    | ClockStarted
    | Noted
    | Drifted
    | Migrated
    | ChildChanged
    | Registered
    | Funded
)


class Effect(Struct, frozen=True, tag=True):
    """Something to be carried out after the commit: one outbox row. Its key is "<case>:<seq>:<n>"."""


class NotifyTask(Effect, frozen=True):
    """Tell a person about a task: new, reminder or escalation."""

    person: str
    task: str
    occasion: str = "task"


class NotifyQuestion(Effect, frozen=True):
    """Tell a person that they were asked something, or that they have their answer."""

    person: str
    question: str
    occasion: str = "question"


class NotifyOutcome(Effect, frozen=True):
    """Tell a person what became of a case: returned, rejected, approved, filed, objected, converted, unstaffed, ready,
    evaluated, failed, drifted, amended, copied. `seq`: the entry that says what changed."""

    person: str
    occasion: str
    remark: str = ""
    seq: int = 0


class Announce(Effect, frozen=True):
    """Tell the webhooks what happened at entry `seq`: which `events`, from which state to which, and what was decided
    at which step by whom. Asked for by the service, where there are webhooks; the machine asks for none."""

    seq: int
    events: tuple[str, ...]
    was: str
    state: str
    at: datetime
    actor: str = ""
    decision: str = ""
    step: str = ""


class SelectAudience(Effect, frozen=True):
    """Freeze the target customers."""


class BeginDelivery(Effect, frozen=True):
    """Plan the waves and load the ledger."""


class HoldDelivery(Effect, frozen=True):
    """Pause, resume or cancel all waves."""

    action: str


class Evaluate(Effect, frozen=True):
    """Compute the evaluation planned as `label`."""

    label: str
    last: bool


class OpenChild(Effect, frozen=True):
    """Open the case `child` under the newest version of `definition`, with these values; submit it where they are
    whole, else its submitter completes it."""

    child: str
    definition: str
    form: dict[str, Any]
    parent: Parent


class CancelChild(Effect, frozen=True):
    """End the case `child`: nobody waits for it any more."""

    child: str
    reason: str


class HoldChild(Effect, frozen=True):
    """Let the case `child` stand still, or go on, as this case does by then."""

    child: str


class TellParent(Effect, frozen=True):
    """Tell the case that opened this one where it is."""

    parent: str
    state: str
    seq: int
    ended: bool
    number: str = ""


AnyEffect = (
    NotifyTask
    | NotifyQuestion
    | NotifyOutcome
    | Announce
    | SelectAudience
    | BeginDelivery
    | HoldDelivery
    | Evaluate
    | OpenChild
    | CancelChild
    | HoldChild
    | TellParent
)


class Outcome(Struct, frozen=True):
    """The case after the command, with what happened and what is to be done. Empty events: nothing changed."""

    case: Case
    events: tuple[AnyEvent, ...] = ()
    effects: tuple[AnyEffect, ...] = ()
    at: datetime | None = None
