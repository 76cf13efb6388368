"""Waivers (豁免) of grey list entries, each for one case: asked for by one person, granted or refused by another.

Nothing is ever changed or taken out. A waiver ends with its case, because no other case has it. Refuses nothing here:
who may ask and decide is the service's.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import suppressions, waivers


@dataclass(frozen=True, slots=True)
class WaiverRow:
    """One waiver: of one `customer`, or of all whose grey entry has the reason `grey_reason`. `decision` is empty while
    it waits, else granted or refused."""

    id: int
    case_id: str
    customer: str
    grey_reason: str
    reason: str
    asked_by: str
    asked_at: datetime
    decision: str
    decided_by: str
    decided_at: datetime | None


def ask(
    tx: Connection, *, case_id: str, customer: str, grey_reason: str, reason: str, by: str, at: datetime
) -> int | None:
    """Write down what is asked for; its number. None where the same waits already."""
    values = {"case_id": case_id, "customer": customer, "grey_reason": grey_reason, "reason": reason}
    fresh = inserting(tx, waivers).values(**values, asked_by=by, asked_at=at).on_conflict_do_nothing()
    return tx.execute(fresh.returning(waivers.c.id)).scalar_one_or_none()


def find(tx: Connection, number: int) -> WaiverRow | None:
    """One waiver."""
    row = tx.execute(sa.select(waivers).where(waivers.c.id == number)).one_or_none()
    return None if row is None else WaiverRow(*row)


def listed(tx: Connection, case_id: str = "", limit: int = 100) -> tuple[WaiverRow, ...]:
    """Those of a case, or of all; the newest first."""
    of_case = waivers.c.case_id == case_id if case_id else sa.true()
    return tuple(
        WaiverRow(*row)
        for row in tx.execute(sa.select(waivers).where(of_case).order_by(waivers.c.id.desc()).limit(limit))
    )


def decide(tx: Connection, number: int, decision: str, *, by: str, at: datetime) -> bool:
    """Grant or refuse one that waits; False where it does not."""
    here = (waivers.c.id == number) & (waivers.c.decision == "")
    decided = sa.update(waivers).where(here).values(decision=decision, decided_by=by, decided_at=at)
    return tx.execute(decided).rowcount > 0


def is_waived(case_id: str) -> sa.ColumnElement[bool]:
    """Of a row of `suppressions`: whether it is a grey one that is waived for the case."""
    of_entry = sa.or_(
        waivers.c.customer == suppressions.c.customer,
        sa.and_(waivers.c.customer == "", waivers.c.grey_reason == suppressions.c.reason),
    )
    granted = sa.exists().where(waivers.c.case_id == case_id, waivers.c.decision == "granted", of_entry)
    return sa.and_(suppressions.c.list == "grey", granted)
