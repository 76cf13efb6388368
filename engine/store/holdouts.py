"""Versions of the global holdout: proposed by one administrator, confirmed or refused by another.

Nothing is ever changed or taken out: a new share is a new version, so that every list can say which one it used.
Refuses two open proposals at a time.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.tables import holdouts, organisation


@dataclass(frozen=True, slots=True)
class HoldoutRow:
    """One version. `decision` is empty while it waits, else confirmed or refused; confirmed, it holds from
    `decided_at` until the next one does."""

    version: int
    share: Decimal
    salt: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    decision: str
    decided_by: str
    decided_at: datetime | None


def lock(tx: Connection) -> None:
    """Let those who change the holdout pass one by one until the end of the transaction."""
    tx.execute(sa.select(organisation.c.id).with_for_update())


def history(tx: Connection) -> tuple[HoldoutRow, ...]:
    """All versions, the newest first."""
    return tuple(_row(one) for one in tx.execute(sa.select(holdouts).order_by(holdouts.c.version.desc())))


def in_force(tx: Connection, at: datetime) -> HoldoutRow | None:
    """The version that holds at `at`."""
    confirmed = sa.select(holdouts).where(holdouts.c.decision == "confirmed", holdouts.c.decided_at <= at)
    one = tx.execute(confirmed.order_by(holdouts.c.version.desc()).limit(1)).one_or_none()
    return None if one is None else _row(one)


def propose(tx: Connection, *, share: Decimal, salt: str, reason: str, by: str, at: datetime) -> int:
    """Write down the next version, which holds once somebody else confirms it; its number."""
    newest: int = tx.execute(sa.select(sa.func.coalesce(sa.func.max(holdouts.c.version), 0))).scalar_one()
    values = {"version": newest + 1, "share": str(share), "salt": salt, "reason": reason}
    tx.execute(sa.insert(holdouts).values(**values, proposed_by=by, proposed_at=at))
    return newest + 1


def decide(tx: Connection, version: int, decision: str, *, by: str, at: datetime) -> bool:
    """Confirm or refuse an open version; False where it is not open."""
    here = (holdouts.c.version == version) & (holdouts.c.decision == "")
    decided = sa.update(holdouts).where(here).values(decision=decision, decided_by=by, decided_at=at)
    return tx.execute(decided).rowcount > 0


def _row(one: sa.Row[tuple[object, ...]]) -> HoldoutRow:
    values = dict(one._mapping)
    return HoldoutRow(**{**values, "share": Decimal(values["share"])})
