"""A case as the machine sees it: one frozen value that its history can rebuild.

Form values are JSON: money and decimals as text, dates as ISO text, a date range as [from, to], a set as a list.
"""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, field

Verb = Literal["approve", "file", "copy", "work"]
TaskState = Literal["waiting", "open", "decided", "cancelled"]
Decision = Literal["approve", "reject", "return", "acknowledge", "object", "read", "done", "abstain"]


class ProcessRef(Struct, frozen=True):
    """The definition a running case stays pinned to."""

    name: str
    version: int
    fingerprint: str


class Task(Struct, frozen=True):
    """What one person is asked to do (待办). `waiting`: a sequence step whose turn has not come.

    A cancelled task has in `reason` why: decided_by_other, joined, sibling_rejected, sibling_returned, withdrawn,
    escalated, silence, objected, auto_returned, auto_rejected, auto_passed, lost_role, left; `decided_by` and
    `decided_at` then say who caused it and when.

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


class Timer(Struct, frozen=True):
    """Something due at a time. `key` is unique per arming: "<case>:<seq>:<name>"."""

    key: str
    name: str
    due_at: datetime
    step: str = ""


class Case(Struct, frozen=True):
    """One marketing case (营销案). `seq` counts its history entries and is its version.

    `form_seq` is the entry that last changed the form: who looked at an earlier one looks again before deciding.
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
    facts: dict[str, Any] = field(default_factory=dict)
