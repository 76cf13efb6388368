"""What became of the customers of each variant of a wave that tests texts. A row's remainder says its variant, so the
ledger keeps nothing of it. Refuses to know the metric's rates: counts alone."""

from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.reports import left_the_house
from engine.store.tables import recipients, responses

LOOKED_UP_BY_A_PAGE = 10_000


def contacted(tx: Connection, wave: str, variants: int) -> dict[int, int]:
    """How many messages of each variant left the house, or may have; reads all rows of the wave."""
    place = (recipients.c.row % variants).label("place")
    chosen = sa.select(place, sa.func.count().label("count")).where(recipients.c.wave == wave, left_the_house())
    return {row.place: row._mapping["count"] for row in tx.execute(chosen.group_by(place))}


def is_cheap(tx: Connection, case_id: str) -> bool:
    """Whether the case has so few responses that a page may look each of them up."""
    some = sa.select(responses.c.reference).where(responses.c.case_id == case_id).limit(LOOKED_UP_BY_A_PAGE + 1)
    counted = sa.select(sa.func.count()).select_from(some.subquery())
    return int(tx.execute(counted).scalar_one()) <= LOOKED_UP_BY_A_PAGE


def did(
    tx: Connection,
    wave: str,
    case_id: str,
    channel: str,
    *,
    variants: int,
    metric: Literal["response", "conversion", "click"],
    until: datetime,
) -> dict[int, int]:
    """How many customers of each variant responded, were converted, or followed the link of this wave by then; each
    once. Reads the responses of the case and looks up the row of each: a join reads the whole ledger."""
    kind = "conversion" if metric == "conversion" else "response"
    came = (
        sa.select(responses.c.customer)
        .distinct()
        .where(responses.c.case_id == case_id, responses.c.kind == kind, responses.c.at <= until)
    )
    if metric == "click":
        came = came.where(responses.c.reference.startswith(f"click:{wave}.", autoescape=True))
    who = came.subquery()
    row = (
        sa.select(recipients.c.row % variants)
        .where(
            recipients.c.case_id == case_id,
            recipients.c.channel == channel,
            recipients.c.customer == who.c.customer,
            recipients.c.wave == wave,
        )
        .scalar_subquery()
    )
    placed = sa.select(row.label("place")).select_from(who).subquery()
    place = placed.c.place
    chosen = sa.select(place, sa.func.count().label("count")).group_by(place)
    # Without a place are customers of other waves; asked to leave them out, PostgreSQL looks everybody up twice.
    return {row.place: row._mapping["count"] for row in tx.execute(chosen) if row.place is not None}
