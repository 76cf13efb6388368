"""What pages and answers show of proofs (样张). Read-only values without sentences; addresses are masked."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ProofView:
    """One proof. `is_current`: the text is still the one that was sent; `address` is masked; `cell` is the first of
    those that get this text, or `variant` the one of a test; `state` as in store.side_letters; `answer` fits, unfit,
    or empty."""

    name: str
    case_id: str
    number: str
    channel: str
    cell: str
    variant: str
    person: str
    who: str
    address: str
    subject: str
    text: str
    state: str
    reason: str
    asked_by: str
    asked_at: datetime
    is_current: bool
    answer: str
    because: str
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProofsView:
    """The proofs of a case, newest first. `may_send`: the viewer may send some now; `named` are the accounts that
    the definition asks, `need` how many of them must say that each text fits (0: nobody need), `fits` how many say so
    of the text that fewest say it of; `left_today` may be sent today."""

    proofs: tuple[ProofView, ...]
    may_send: bool
    named: tuple[str, ...]
    need: int
    fits: int
    left_today: int
