"""What pages and answers show of who may read a confidential case, and who looked at it. Read-only values."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ReaderView:
    """A person named to read a confidential case."""

    person: str
    name: str
    named_by: str
    named_at: datetime


@dataclass(frozen=True, slots=True)
class LookView:
    """Somebody looked at a confidential case. `address` is empty for a command at the operator's terminal."""

    case_id: str
    number: str
    name: str
    at: datetime
    address: str


@dataclass(frozen=True, slots=True)
class AccessView:
    """Who may read a confidential case besides its route and its office, and who looked: the latest first, only for its
    submitter, auditors and administrators (None for the others). `embargo`: until then its office does not see it."""

    readers: tuple[ReaderView, ...]
    embargo: datetime | None
    may_change: bool
    looks: tuple[LookView, ...] | None
