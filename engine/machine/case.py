"""A case as the machine sees it: one frozen value that its history can rebuild.

Form values are JSON: money and decimals as text, dates as ISO text, a date range as [from, to], a set as a list.
"""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, field

from engine.values import Duration

Verb = Literal["approve", "file", "copy", "answer", "work"]
Place = Literal["", "before", "after", "beside", "delegate"]
TaskState = Literal["waiting", "open", "decided", "cancelled"]
ChildOutcome = Literal["", "done", "failed", "cancelled"]
Decision = Literal["approve", "reject", "return", "acknowledge", "object", "read", "done", "abstain"]


class ProcessRef(Struct, frozen=True):
    """The definition a running case stays pinned to."""

    name: str
    version: int
    fingerprint: str


class Task(Struct, frozen=True):
    """What one person is asked to do (待办). `waiting`: it is not their turn, and `reason` says why: in the line of a
    sequence (empty), signers were added before them (before), a delegate works on it (delegated), somebody of the pool
    claimed it (claimed), the one they sign after has not signed (after).

    A cancelled task has in `reason` why: decided_by_other, joined, sibling_rejected, sibling_returned, withdrawn,
    escalated, silence, objected, auto_returned, auto_rejected, auto_passed, lost_role, left, transferred, removed,
    amended, expired;
    `decided_by` and `decided_at` then say who caused it and when.

    `asked_by` brought the person in; `of` is the task they sign with, at `place`: before, after or beside its person,
    or as its delegate. `counted_from`: deadlines count from here where that is not when it was
    opened: a question had stopped the clock, or it was somebody else's before.

    `saw` is the digest of each aspect that an approval was given for; `back_to` the step that a return names, empty for
    the submitter.

    `id` is "<case>-<seq>-<n>": the history entry that opened it and its place in it, so replaying gives the same ids.
    """

    id: str
    step: str
    verb: Verb
    person: str
    round: int
    state: TaskState
    opened_at: datetime
    due_at: datetime | None = None
    decision: Decision | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    remark: str = ""
    reason: str = ""
    weight: int = 1
    asked_by: str = ""
    of: str = ""
    place: Place = ""
    counted_from: datetime | None = None
    saw: dict[str, str] = field(default_factory=dict)
    back_to: str = ""

    @property
    def signs(self) -> bool:
        """Whether its person decides, rather than reads along or answers a question."""
        return self.verb not in ("copy", "answer")

    @property
    def is_pending(self) -> bool:
        """Whether it is still to be decided, now or later."""
        return self.state in ("open", "waiting")


def entry_of(task: Task) -> int:
    """The history entry that opened it."""
    return int(task.id.rsplit("-", 2)[-2])


class Timer(Struct, frozen=True):
    """Something due at a time. `key` is unique per arming: "<case>:<seq>:<name>".

    One that counts working days says from when (`since`) and how long (`span`, as `3wd`), so that it can be counted
    again when the calendar changes; one on the clock says neither.
    """

    key: str
    name: str
    due_at: datetime
    step: str = ""
    since: datetime | None = None
    span: str = ""

    @property
    def spans(self) -> tuple[Duration, ...]:
        """Its span, where it counts working days."""
        return (Duration.parse(self.span),) if self.span else ()


class Question(Struct, frozen=True):
    """A question on a task (沟通), from its person to another; while it is open the step's clock stands still."""

    id: str
    task: str
    step: str
    asker: str
    person: str
    text: str
    asked_at: datetime
    answer: str = ""
    answered_at: datetime | None = None


class Stopped(Struct, frozen=True):
    """The timers of a step, as they were when its clock was stopped."""

    step: str
    at: datetime
    timers: tuple[Timer, ...]


class Registration(Struct, frozen=True):
    """A filing that took effect: its number in the register of the office it was filed with (备案号).

    The number stays with the case and its step, whatever becomes of the case, and is given to no other.
    """

    step: str
    office: str
    number: str
    round: int


class Parent(Struct, frozen=True):
    """The case that opened this one, and the state it waits in. `depth` counts the cases above this one; `nested`
    how many of those follow the same definition as this one."""

    case: str
    place: str
    depth: int = 1
    nested: int = 0


class Child(Struct, frozen=True):
    """A case that this one opened (子案): planned, then in the state it told last (`seq` is its entry that told).

    `outcome` stays empty while it runs. `left`: the state that opened it was left, so its end decides nothing any more.
    `element` is what it was opened for.
    """

    id: str
    place: str
    definition: str
    element: Any = None
    state: str = "planned"
    number: str = ""
    seq: int = 0
    outcome: ChildOutcome = ""
    left: bool = False


class Drift(Struct, frozen=True):
    """The frozen audience is beyond the tolerance from what the form's `field` declared (偏差).

    `reapproves`: what approvals look at is the real count from then on, and the frozen list is used once they stand.
    `voided` are the steps whose decision no longer stood.
    """

    field: str
    declared: int
    actual: int
    reapproves: bool = True
    voided: tuple[str, ...] = ()


class Splitting(Struct, frozen=True):
    """What a submission found: with this case, `count` of its office since `since` have `field` from `lowest` up to
    `limit`, `total` together. `cases` are the newest others. Amounts are texts, as in forms."""

    field: str
    limit: str
    lowest: str
    since: datetime
    count: int
    total: str
    cases: tuple[str, ...]


class Fund(Struct, frozen=True):
    """The office budget that a submission was made under: its account, and what of it was left for the case then."""

    account: str
    left: str


LEFT = "budget.left"
"""Under this name rules find what is left; no field is called so, because names of fields have no dots."""


def without_left(form: dict[str, Any]) -> dict[str, Any]:
    """A form as it was entered."""
    return {name: value for name, value in form.items() if name != LEFT}


class Case(Struct, frozen=True):
    """One marketing case (营销案). `seq` counts its history entries and is its version.

    `form_seq` is the entry that last changed the material of the form: who looked at an earlier one looks again before
    deciding. `since` is the first round whose decisions still count on the way of this case; `returned_at` the step
    that sent it back to the submitter, `returned_by` who decided so; `standing` the approvals of earlier rounds that
    pass at once when their step is come to. `drift` is there until the material changes.
    """

    id: str
    process: ProcessRef
    office: str
    submitter: str
    created_at: datetime
    updated_at: datetime
    seq: int = 0
    state: str = "draft"
    configuration: tuple[str, ...] = ()
    remembered: dict[str, tuple[str, ...]] = field(default_factory=dict)
    round: int = 0
    form: dict[str, Any] = field(default_factory=dict)
    number: str | None = None
    route: str | None = None
    material: str = ""
    editor: str = ""
    form_seq: int = 0
    tasks: tuple[Task, ...] = ()
    timers: tuple[Timer, ...] = ()
    questions: tuple[Question, ...] = ()
    stopped: tuple[Stopped, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    since: int = 0
    returned_at: str = ""
    returned_by: str = ""
    standing: tuple[str, ...] = ()
    parent: Parent | None = None
    children: tuple[Child, ...] = ()
    splitting: Splitting | None = None
    registered: tuple[Registration, ...] = ()
    drift: Drift | None = None
    fund: Fund | None = None

    @property
    def judged(self) -> dict[str, Any]:
        """The form as routes, conditions and approvals see it: with the real count where the audience drifted, and with
        what was left of the office's budget when it was submitted."""
        return self.judge(self.form)

    def judge(self, form: dict[str, Any]) -> dict[str, Any]:
        """Another form as they would see it."""
        more: dict[str, Any] = {} if self.fund is None else {LEFT: self.fund.left}
        if self.drift is not None and self.drift.reapproves:
            more[self.drift.field] = self.drift.actual
        return {**form, **more} if more else form
