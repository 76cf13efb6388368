"""The chain of a case and what it waits for, as pages, API and command line are given them to show.

Like `views`: read-only values without sentences, already limited to what the viewer may see.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from engine.values import NO_TEXT, Bilingual


@dataclass(frozen=True, slots=True)
class Seat:
    """One person's place at a step."""

    person: str
    name: str
    state: str
    decision: str | None
    at: datetime | None
    remark: str = ""


NodeState = Literal["done", "current", "ahead", "skipped", "rejected", "returned", "cancelled"]


@dataclass(frozen=True, slots=True)
class Node:
    """One step or stage of the chain as drawn. `verb`: approve, file, copy, or a stage (audience, delivery,
    evaluation, closed). `mode`: any, all, sequence, vote or empty. `need` of `of` seats decided. `count` is the number
    the stage shows (customers, waves). `caution`: why `due_at` may still move, empty where it cannot."""

    id: str
    label: Bilingual
    verb: str
    state: NodeState
    mode: str = ""
    need: int = 0
    decided: int = 0
    seats: tuple[Seat, ...] = ()
    entered_at: datetime | None = None
    left_at: datetime | None = None
    due_at: datetime | None = None
    count: int | None = None
    caution: Bilingual = NO_TEXT


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain from left to right; a column of several nodes is a countersign."""

    columns: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class SeatReason:
    """Why a person is asked. `code`: role (they hold `role` at `office`), superior (of `by`), submitter, field (it
    names them), fallback (nobody else is there, they hold `role`), instead (of the submitter `by`), second (instead of
    `by`, who changed the form), question (`by`
    asked them), escalated or transferred (from `by`), appended, before, after, beside or delegate (`by` brought them
    in)."""

    code: str
    role: str = ""
    office: Bilingual = NO_TEXT
    field: Bilingual = NO_TEXT
    by: str = ""


@dataclass(frozen=True, slots=True)
class WaitingPerson:
    """Somebody who is asked now. `working_days` have begun since then, today not counted; `stopped`: an open question
    has stopped the clock; `stand_ins` may decide for them today. `caution` as in Node."""

    person: str
    name: str
    step: Bilingual
    why: SeatReason
    since: datetime
    working_days: int
    until: datetime | None
    stopped: bool = False
    stand_ins: tuple[str, ...] = ()
    caution: Bilingual = NO_TEXT


@dataclass(frozen=True, slots=True)
class Deadline:
    """What time alone does at `at`: the code of a history entry, whom it asks, the state it leads to if another.
    `caution` as in Node."""

    at: datetime
    what: str
    step: Bilingual
    people: tuple[str, ...] = ()
    state: str = ""
    state_label: Bilingual = NO_TEXT
    caution: Bilingual = NO_TEXT


@dataclass(frozen=True, slots=True)
class Following:
    """What a decision at `step` would lead to: the state, and whom the case would wait for (`nodes`). `event` is set
    instead of `decision` where the definition declares its own."""

    step: Bilingual
    decision: str
    event: Bilingual
    state: str
    state_label: Bilingual
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why it is here: whom the case waits for (`for_nodes`, empty = nobody), since when, until when, what follows.
    `caution`: why the times named may still move."""

    state: str
    for_nodes: tuple[Node, ...]
    since: datetime | None
    until: datetime | None
    then: tuple[Node, ...]
    # actions of this viewer: edit, submit, withdraw, start, pause, resume, close, import; of a superior: convert
    possible: tuple[str, ...]
    reason: str = ""  # returned / rejected / failed: the words of who did it
    reason_by: str = ""
    people: tuple[WaitingPerson, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    follows: tuple[Following, ...] = ()
    caution: Bilingual = NO_TEXT
