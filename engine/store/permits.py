"""Permits: contacts of customers that are held for a wave or were made, as far as a contact policy was in force.

A row appears when a wave claims a chunk and goes when its message surely was not sent; what is in doubt counts. The
ledger says what became of a message, this says what a customer has had. Refuses to know any cap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.columns import UtcTime
from engine.store.reports import left_the_house
from engine.store.session import inserting
from engine.store.tables import cases, permits, recipients

HOLD_LOCK = 7_423_002  # any number, the same in every process: PostgreSQL's advisory lock while contacts are held


@dataclass(frozen=True, slots=True)
class Permit:
    """A contact of a customer, held or made. `number` is the case's, or its id where it has none."""

    wave: str
    customer: str
    number: str
    channel: str
    purpose: str
    category: str
    at: datetime


def lock(tx: Connection) -> None:
    """Let those who hold contacts pass one by one until the end of the transaction.

    One lock for all customers and not one each: a thousand advisory locks per chunk would fill the server's lock table,
    and waves of one night want the same customers anyway. SQLite lets one writer in as it is.
    """
    if tx.dialect.name == "postgresql":
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(HOLD_LOCK)))


def of_customers(tx: Connection, customers: Sequence[str], since: datetime, *, wave: str) -> tuple[Permit, ...]:
    """The permits of these customers after `since`, and those of the wave whenever they are of, the oldest first."""
    number = sa.func.coalesce(cases.c.number, cases.c.id).label("number")
    columns = (permits.c[name] for name in ("wave", "customer", "channel", "purpose", "category", "at"))
    recent = sa.or_(permits.c.at > since, permits.c.wave == wave)
    chosen = sa.select(*columns, number).join(cases, cases.c.id == permits.c.case_id)
    found = tx.execute(chosen.where(_of(tx, customers), recent))
    return tuple(sorted((Permit(**row._mapping) for row in found), key=lambda one: (one.at, one.wave)))


def enter(
    tx: Connection,
    customers: Sequence[str],
    *,
    wave: str,
    case_id: str,
    channel: str,
    purpose: str,
    category: str,
    at: datetime,
) -> None:
    """Hold a contact for each of the customers, who have none of this wave."""
    if customers:
        same = {"wave": wave, "case_id": case_id, "channel": channel, "purpose": purpose, "category": category}
        listed = list(customers) if tx.dialect.name == "postgresql" else _json(customers)
        tx.execute(_ENTER[tx.dialect.name], {**same, "at": at, "customers": listed})


def move(tx: Connection, wave: str, customers: Sequence[str], *, at: datetime) -> None:
    """Say that the contacts of these customers are made now and not when they were held first."""
    if customers:
        tx.execute(sa.update(permits).where(permits.c.wave == wave, _of(tx, customers)).values(at=at))


def release(tx: Connection, wave: str, customers: Sequence[str]) -> int:
    """Give back contacts that surely were not made; how many."""
    if not customers:
        return 0
    return tx.execute(sa.delete(permits).where(permits.c.wave == wave, _of(tx, customers))).rowcount


def count(tx: Connection, channel: str, since: datetime) -> int:
    """How many contacts over a channel are held or were made since then."""
    chosen = sa.select(sa.func.count()).select_from(permits)
    return int(tx.execute(chosen.where(permits.c.channel == channel, permits.c.at >= since)).scalar_one())


def cases_since(tx: Connection, since: datetime) -> tuple[str, ...]:
    """The cases that made a contact since then, by the ledger."""
    chosen = sa.select(recipients.c.case_id).where(recipients.c.sent_at > since).distinct()
    return tuple(tx.execute(chosen.order_by(recipients.c.case_id)).scalars())


def enter_made(tx: Connection, case_id: str, *, purpose: str, category: str, since: datetime) -> int:
    """Enter what a case sent since then without a permit, because no policy was in force; how many."""
    made = sa.select(
        recipients.c.wave,
        recipients.c.customer,
        recipients.c.case_id,
        recipients.c.channel,
        sa.literal(purpose).label("purpose"),
        sa.literal(category).label("category"),
        recipients.c.sent_at,
    ).where(
        recipients.c.case_id == case_id,
        recipients.c.sent_at > sa.literal(since, UtcTime()),
        left_the_house(),
    )
    names = ("wave", "customer", "case_id", "channel", "purpose", "category", "at")
    insert = inserting(tx, permits).from_select(names, made)
    return tx.execute(insert.on_conflict_do_nothing()).rowcount


def _of(tx: Connection, customers: Sequence[str]) -> sa.ColumnElement[bool]:
    """That a permit is of one of them, in one statement however many they are."""
    if tx.dialect.name == "postgresql":
        return permits.c.customer == sa.func.any(sa.cast(list(customers), sa.ARRAY(sa.String)))
    return permits.c.customer.in_(sa.text("SELECT value FROM json_each(:listed)").bindparams(listed=_json(customers)))


def _json(customers: Sequence[str]) -> str:
    return msgspec.json.encode(list(customers)).decode()


def _entering(customers: str) -> sa.TextClause:
    text = f"""
        INSERT INTO permits (wave, customer, case_id, channel, purpose, category, at)
        SELECT :wave, held.value, :case_id, :channel, :purpose, :category, :at FROM {customers}
    """
    return sa.text(text).bindparams(sa.bindparam("at", type_=UtcTime))


_ENTER = {
    "postgresql": _entering("unnest(CAST(:customers AS varchar[])) AS held(value)"),
    "sqlite": _entering("json_each(:customers) AS held"),
}
