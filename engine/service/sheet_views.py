"""What stands on the approval sheet besides the case: ways back, readers, risks, people to choose from.

Like `views`: read-only values without sentences, already limited to what the viewer may see.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from engine.service.chain_views import Node
from engine.values import NO_TEXT, Bilingual


@dataclass(frozen=True, slots=True)
class BudgetLeft:
    """What is left of the office's budget for a case just now, its own reservation included, and what it takes."""

    office: Bilingual
    year: int
    currency: str
    left: Decimal
    takes: Decimal


@dataclass(frozen=True, slots=True)
class WayBack:
    """Where a return may go: `to` is submitter, previous, or the name of an earlier step, `label` that step's.
    `nodes` are who is asked again at once; empty where the submitter has it first. `resume` says for the submitter
    where their next submission goes on: at_returner, restart or changed_aspects."""

    to: str
    label: Bilingual
    nodes: tuple[Node, ...] = ()
    resume: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who reads along (抄送); `read_at` is None until they said that they have (已阅)."""

    name: str
    step: Bilingual
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody whom the viewer brought in and may remove: their task, and how they sign."""

    task: str
    name: str
    place: str


@dataclass(frozen=True, slots=True)
class Risk:
    """A figure of the proposal outside those of `count` similar cases: same kind and office, of the past year.
    `code`: above (more than the most of them) or below (less than the least); `bound` is that most or least."""

    code: str
    label: Bilingual
    kind: str
    currency: str
    value: Decimal
    bound: Decimal
    count: int


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to choose: account, name, where they stand and what they hold. `why` is a code where they are likely:
    decided, submitter, colleague, superior, office."""

    id: str
    name: str
    office: Bilingual = NO_TEXT
    roles: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Choosing:
    """People to choose from: those `chosen` already, those found or likely, and how many more the search found."""

    chosen: tuple[Person, ...]
    people: tuple[Person, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Gone:
    """Why a task is not its person's any more. `code`: as `reason` of a cancelled task, or waiting and why. `by` did
    it; `to` has it now."""

    code: str
    by: str = ""
    at: datetime | None = None
    to: tuple[str, ...] = ()
