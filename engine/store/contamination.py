"""Who of some customers was messaged in a span of time, by a case or by others.

Refuses to read a whole ledger: it asks by the ledger's key of case, channel and customer, for cases that sent at all in
that time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.reports import left_the_house
from engine.store.tables import recipients, waves

AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Place:
    """A case and a channel in which it sent."""

    case_id: str
    channel: str


def places_of(tx: Connection, *, since: datetime, until: datetime) -> tuple[Place, ...]:
    """Where a message may have left the house then: waves that had begun by `until` and were not over at `since`."""
    begun = (waves.c.started_at.is_not(None)) & (waves.c.started_at <= until)
    over = waves.c.finished_at.is_not(None) & (waves.c.finished_at < since)
    chosen = (
        sa.select(waves.c.case_id, waves.c.channel)
        .where(begun, ~over)
        .distinct()
        .order_by(*waves.c["case_id", "channel"])
    )
    return tuple(Place(*row) for row in tx.execute(chosen))


def messaged(
    tx: Connection,
    customers: Sequence[str],
    places: Sequence[Place],
    *,
    case_id: str,
    since: datetime,
    until: datetime,
) -> tuple[frozenset[str], frozenset[str]]:
    """Those of `customers` that a message of the case, and of any other, left for in that time."""
    mine: set[str] = set()
    others: set[str] = set()
    for place in places:
        chosen = sa.select(recipients.c.customer).where(
            recipients.c.case_id == place.case_id,
            recipients.c.channel == place.channel,
            recipients.c.customer.in_(customers),
            recipients.c.sent_at >= since,
            recipients.c.sent_at <= until,
            left_the_house(),
        )
        (mine if place.case_id == case_id else others).update(tx.execute(chosen).scalars())
    return frozenset(mine), frozenset(others)
