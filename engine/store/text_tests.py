"""What became of the customers of each variant of a wave that tests texts. A row's remainder says its variant, so the
ledger keeps nothing of it. Refuses to know the metric's rates: counts alone."""

from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.reports import left_the_house
from engine.store.tables import recipients, responses


def contacted(tx: Connection, wave: str, variants: int) -> dict[int, int]:
    """How many messages of each variant left the house, or may have; reads all rows of the wave."""
    place = (recipients.c.row % variants).label("place")
    chosen = sa.select(place, sa.func.count().label("count")).where(recipients.c.wave == wave, left_the_house())
    return {row.place: row._mapping["count"] for row in tx.execute(chosen.group_by(place))}


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
    once. Reads the responses of the case, not the wave."""
    place = (recipients.c.row % variants).label("place")
    same = sa.and_(
        recipients.c.case_id == responses.c.case_id,
        recipients.c.channel == channel,
        recipients.c.customer == responses.c.customer,
    )
    kind = "conversion" if metric == "conversion" else "response"
    chosen = (
        sa.select(place, sa.func.count(sa.distinct(responses.c.customer)).label("count"))
        .join(recipients, same)
        .where(
            responses.c.case_id == case_id,
            responses.c.kind == kind,
            responses.c.at <= until,
            recipients.c.wave == wave,
        )
        .group_by(place)
    )
    if metric == "click":
        chosen = chosen.where(responses.c.reference.startswith(f"click:{wave}.", autoescape=True))
    return {row.place: row._mapping["count"] for row in tx.execute(chosen)}
