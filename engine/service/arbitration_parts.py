"""What arbitration says of one case: values that pages and API show, without where they come from."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CaseName:
    """A case by id, number and title; all empty where it is not the viewer's to see."""

    id: str = ""
    number: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class LossView:
    """So many customers lost. `lost_by`: priority, score or draw (to `winner`), contacts (used up before, by nobody of
    the run) or room (the channel carries no more)."""

    winner: CaseName | None
    lost_by: str
    customers: int


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """What a case of a run got. `failed`: its customers could not be found, so it got nothing and lost nothing.
    `holds`: this run counts for the case. `since`: what became of it later: changed, left or nothing."""

    case: CaseName
    priority: int
    is_supposed: bool
    channel: str
    wanted: int
    got: int
    losses: tuple[LossView, ...]
    failed: str
    holds: bool
    since: str

    @property
    def lost(self) -> int:
        """How many of the wanted it did not get."""
        return self.wanted - self.got


@dataclass(frozen=True, slots=True)
class CaseLosses:
    """What the arbitration that holds for a case says of it."""

    run: int
    outcome: OutcomeView
    committed_at: datetime | None
