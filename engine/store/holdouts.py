"""Versions of the global holdout, so that every list can say which share it used."""

from dataclasses import dataclass
from decimal import Decimal

from engine.store.tables import holdouts
from engine.store.versions import Proposed, Versions


@dataclass(frozen=True, slots=True)
class HoldoutRow(Proposed):
    """A share of all customers, and what they are drawn by."""

    share: Decimal
    salt: str


HOLDOUTS = Versions(holdouts, HoldoutRow, lambda row: {"share": Decimal(row["share"])})
