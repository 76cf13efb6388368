"""Who of some customers was messaged in a span of time, by a case or by others.

Refuses to read a whole ledger: it asks by the ledger's key of case, channel and customer where much was sent, and reads
the rows of cases that sent little, all of those in one statement: a large house has ten thousand of them in a month.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from engine.store.reports import left_the_house
from engine.store.tables import recipients, waves

AT_ONCE = 50_000
MANY = 5_000
"""From so many rows on, those of a case and a channel are asked for by customer and not read."""


@dataclass(frozen=True, slots=True)
class Place:
    """A case and a channel in which it sent, and to how many recipients."""

    case_id: str
    channel: str
    rows: int


def places_of(tx: Connection, *, since: datetime, until: datetime) -> tuple[Place, ...]:
    """Where a message may have left the house then: waves that had begun by `until` and were not over at `since`."""
    place = waves.c["case_id", "channel"]
    rows = sa.func.sum(waves.c.audience)
    chosen = sa.select(*place, rows).where(*_then(since, until)).group_by(*place).order_by(*place)
    return tuple(Place(case_id, channel, int(count)) for case_id, channel, count in tx.execute(chosen))


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
    asked = _each(tx, customers)
    sent = (recipients.c.sent_at >= since, recipients.c.sent_at <= until, left_the_house())
    for place in places:
        if place.rows >= MANY:
            here = (recipients.c.case_id == place.case_id, recipients.c.channel == place.channel)
            chosen = sa.select(recipients.c.customer).where(*here, *sent, recipients.c.customer.in_(asked))
            (mine if place.case_id == case_id else others).update(tx.execute(chosen).scalars())
    if any(place.rows < MANY for place in places):
        few = (
            sa.select(*waves.c["case_id", "channel"])
            .where(*_then(since, until))
            .group_by(*waves.c["case_id", "channel"])
            .having(sa.func.sum(waves.c.audience) < MANY)
            .subquery("few")
        )
        here = (recipients.c.case_id == few.c.case_id, recipients.c.channel == few.c.channel)
        # an expression, so that SQLite does not look for each customer in each place by the key
        who = recipients.c.customer + ""
        of_few = few.join(recipients, sa.and_(*here))
        chosen = sa.select(recipients.c.customer, few.c.case_id == case_id).select_from(of_few)
        for customer, is_mine in tx.execute(chosen.where(*sent, who.in_(asked))):
            (mine if is_mine else others).add(customer)
    return frozenset(mine), frozenset(others)


def _then(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    begun = waves.c.started_at.is_not(None) & (waves.c.started_at <= until)
    over = waves.c.finished_at.is_not(None) & (waves.c.finished_at < since)
    return begun, ~over


def _each(tx: Connection, customers: Sequence[str]) -> sa.TextClause:
    """Fifty thousand customers, one a row: a parameter for each would take longer than the look."""
    listed = sa.text(_LISTED[tx.dialect.name])
    return listed.bindparams(customers=msgspec.json.encode(list(customers)).decode())


_LISTED = {
    "postgresql": "SELECT json_array_elements_text(CAST(:customers AS json))",
    "sqlite": "SELECT value FROM json_each(:customers)",
}
