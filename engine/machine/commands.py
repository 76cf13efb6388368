"""What can be asked of a case: a closed union. Each is one row in its history."""

from typing import Any

from msgspec import Struct

from engine.machine.case import Decision, Fund, Parent, Place, ProcessRef, Splitting


class Command(Struct, frozen=True, tag=True, kw_only=True):
    """`actor` is the person, or "system" for a timer or finished stage; `via` is the door: page, link, api, timer."""

    actor: str
    on_behalf_of: str = ""
    via: str = "page"


class Create(Command, frozen=True):
    """Open a draft in the actor's office. `parent` and the values it passed, where another case opened it."""

    office: str
    parent: Parent | None = None
    form: dict[str, Any] | None = None


class Edit(Command, frozen=True):
    """Save the form while drafting or returned. Values are already checked one by one; it need not be whole."""

    form: dict[str, Any]


class Submit(Command, frozen=True):
    """Submit or resubmit the whole form. `number` is the number reserved for it in the same transaction, `splitting`
    what was found there of its office's other cases, `fund` what is left of its office's budget."""

    form: dict[str, Any]
    number: str
    splitting: Splitting | None = None
    fund: Fund | None = None


class Withdraw(Command, frozen=True):
    """The submitter takes the case back: for good, or `again` to change it and submit it once more."""

    reason: str = ""
    again: bool = False


class Operate(Command, frozen=True):
    """What a process administrator or the submitter may do with a whole case: terminate, void, suspend, activate,
    wake, jump (to the step `to`), convert (a filing into an approval), take_back (a decision just taken), urge."""

    operation: str
    reason: str = ""
    to: str = ""


class Decide(Command, frozen=True):
    """A decision on one task. A remark is required to return or reject.

    `seen_seq` is the history entry the person had seen. `to`: where a return goes: submitter, previous, or the name of
    an earlier step. `form`: the fields that the approver amends with an approval, where the step may write them; None
    empties one.
    """

    task: str
    decision: Decision
    remark: str = ""
    seen_seq: int | None = None
    to: str = "submitter"
    form: dict[str, Any] | None = None


class Perform(Command, frozen=True):
    """Do an event that the lifecycle declares, as a holder of `role`; without a role, as the first one that the actor
    holds. `task` and `seen_seq` as in Decide; both may be left out."""

    event: str
    role: str = ""
    remark: str = ""
    task: str = ""
    seen_seq: int | None = None


class OnTask(Command, frozen=True, kw_only=True):
    """Something the person of an open task does with it, other than deciding. `remark` says why."""

    task: str
    remark: str = ""


class Transfer(OnTask, frozen=True, kw_only=True):
    """The task goes to another person for good (转办)."""

    to: str


class Delegate(OnTask, frozen=True, kw_only=True):
    """Another person looks at it first (委派); with their opinion it comes back, and its person decides."""

    to: str


class AddSigners(OnTask, frozen=True, kw_only=True):
    """Others must sign too (加签): before the task's person, after them, or beside them."""

    people: tuple[str, ...]
    place: Place = "beside"


class Append(OnTask, frozen=True, kw_only=True):
    """The step asks further people (追加), as if it had asked them from the start."""

    people: tuple[str, ...]


class RemoveSigner(OnTask, frozen=True, kw_only=True):
    """A person whom the task's person brought in need not sign any more (减签). `seat` is their task."""

    seat: str


class CopyTo(OnTask, frozen=True, kw_only=True):
    """Further people read along (抄送)."""

    people: tuple[str, ...]


class Claim(OnTask, frozen=True, kw_only=True):
    """One of a pool takes the task on (认领); the others are set aside."""


class Release(OnTask, frozen=True, kw_only=True):
    """Who claimed it gives it back to the pool."""


class Ask(OnTask, frozen=True, kw_only=True):
    """Ask a person something about the case (沟通); the step's clock stands still until they answer."""

    person: str
    text: str


class Answer(Command, frozen=True, kw_only=True):
    """Answer a question that was put to the actor."""

    question: str
    text: str


class HandOver(Command, frozen=True, kw_only=True):
    """Whatever waits for the person of `on_behalf_of`, who leaves, goes to another for good (离职转办)."""

    to: str
    remark: str = ""


class TimerFired(Command, frozen=True):
    """A timer is due. A timer that is no longer armed changes nothing."""

    key: str
    name: str
    step: str = ""


class Reorganise(Command, frozen=True):
    """The organisation changed: waiting steps ask whom their strategies find now. Changes nothing where that is so."""


class Recount(Command, frozen=True):
    """The working days changed: deadlines that count them are counted again. Changes nothing where they stay."""


class AudienceFrozen(Command, frozen=True):
    """The audience stage is done: counts per arm and the snapshot's digest."""

    snapshot: str
    digest: str
    target: int
    control: int


class AudienceFailed(Command, frozen=True):
    """The selection could not be made; the case waits for a person."""

    reason: str


class SelectAgain(Command, frozen=True):
    """The submitter has the selection tried again after it failed, or made anew where its list is stale."""


class StartDelivery(Command, frozen=True):
    """The submitter starts the waves of the frozen audience; `recipients` repeats the number they saw. `reason`: why
    the wave `wave` goes out although its list is stale."""

    recipients: int
    reason: str = ""
    wave: str = ""


class PauseDelivery(Command, frozen=True):
    """Hold all waves."""

    reason: str = ""


class ResumeDelivery(Command, frozen=True):
    """Go on with all waves. `reason` and `wave` as in StartDelivery."""

    reason: str = ""
    wave: str = ""


class TextDecided(Command, frozen=True, kw_only=True):
    """With which variant the waves go out that wait for the test of `wave`, once for all. `how`: winner, no_difference
    or sample_ratio (then the variant is the one declared for that), or person, who says the `reason`. `found` are the
    numbers, `digest` is theirs."""

    wave: str
    variant: str
    how: str
    found: dict[str, Any]
    digest: str
    reason: str = ""


class Widen(Command, frozen=True):
    """The submitter asks for more while the delivery is paused: `form` are the fields that change. `fund` is what is
    left of its office's budget."""

    form: dict[str, Any]
    reason: str = ""
    fund: Fund | None = None


class DeliveryFinished(Command, frozen=True):
    """Every recipient is settled: the sums per bucket."""

    sums: dict[str, int]


class Evaluated(Command, frozen=True):
    """One planned evaluation is there. `label` is its time ("7d"); `last` when no further one is planned."""

    label: str
    digest: str
    verdict: str
    last: bool


class Close(Command, frozen=True):
    """The submitter closes the case out (结案). Where it was evaluated they sign the report with the digest `report`,
    and say what worked, what did not, and for whom to repeat it; else `lessons` says what was learned."""

    lessons: str = ""
    report: str = ""
    worked: str = ""
    failed: str = ""
    repeat: str = ""


class Migrate(Command, frozen=True):
    """Pin a running case to another version of its definition. `again`: the active steps that ask anew, because the
    version asks others there, or otherwise."""

    to: ProcessRef
    again: tuple[str, ...] = ()


class ChildMoved(Command, frozen=True):
    """A case that this one opened tells where it is. `seq` is its entry that says so; an older one changes nothing."""

    child: str
    state: str
    seq: int
    ended: bool
    number: str = ""


class AddChild(Command, frozen=True):
    """Open one more case in a state that waits for cases; `element` is what for, by the kind of its elements."""

    place: str = ""
    element: Any = None


class Cancel(Command, frozen=True):
    """End a case whose parent does not wait for it any more."""

    reason: str = ""


class Hold(Command, frozen=True):
    """The case that opened this one stands `still`, or goes on; so does this one."""

    still: bool


AnyCommand = (
    Create
    | Edit
    | Submit
    | Withdraw
    | Operate
    | Decide
    | Perform
    | Transfer
    | Delegate
    | AddSigners
    | Append
    | RemoveSigner
    | CopyTo
    | Claim
    | Release
    | Ask
    | Answer
    | HandOver
    | TimerFired
    | Reorganise
    | Recount
    | AudienceFrozen
    | AudienceFailed
    | SelectAgain
    | StartDelivery
    | PauseDelivery
    | ResumeDelivery
    | TextDecided
    | Widen
    | DeliveryFinished
    | Evaluated
    | Close
    | Migrate
    | ChildMoved
    | AddChild
    | Cancel
    | Hold
)
