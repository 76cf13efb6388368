"""Rehearsals (预演) as they were made: what went in, what came out, and a digest of both. Refuses to change one."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.tables import organisation, rehearsals


@dataclass(frozen=True, slots=True)
class RehearsalRow:
    """One rehearsal; `inputs` and `figures` are JSON. `case_id` is empty where it belongs to no case."""

    number: int
    offer: str
    version: int
    case_id: str
    made_by: str
    made_at: datetime
    digest: str
    inputs: str
    figures: str


def save(
    tx: Connection,
    *,
    offer: str,
    version: int,
    case_id: str,
    by: str,
    at: datetime,
    digest: str,
    inputs: str,
    figures: str,
) -> int:
    """Keep a rehearsal; its number, one more than that of the last."""
    tx.execute(sa.select(organisation.c.id).with_for_update())
    last: int = tx.execute(sa.select(sa.func.coalesce(sa.func.max(rehearsals.c.number), 0))).scalar_one()
    tx.execute(
        sa.insert(rehearsals).values(
            number=last + 1,
            offer=offer,
            version=version,
            case_id=case_id,
            made_by=by,
            made_at=at,
            digest=digest,
            inputs=inputs,
            figures=figures,
        )
    )
    return last + 1


def find(tx: Connection, number: int) -> RehearsalRow | None:
    """One rehearsal."""
    one = tx.execute(sa.select(rehearsals).where(rehearsals.c.number == number)).mappings().one_or_none()
    return None if one is None else RehearsalRow(**one)


def of_case(tx: Connection, case_id: str) -> tuple[RehearsalRow, ...]:
    """Those of a case, the newest first."""
    query = sa.select(rehearsals).where(rehearsals.c.case_id == case_id).order_by(rehearsals.c.number.desc())
    return tuple(RehearsalRow(**one) for one in tx.execute(query).mappings())


def of_offer(tx: Connection, offer: str, limit: int = 200) -> tuple[RehearsalRow, ...]:
    """Those of an offer, the newest first."""
    query = sa.select(rehearsals).where(rehearsals.c.offer == offer).order_by(rehearsals.c.number.desc()).limit(limit)
    return tuple(RehearsalRow(**one) for one in tx.execute(query).mappings())
