"""Permits: contacts of customers that are held for a wave or were made, as far as a contact policy was in force.

A row appears when a wave claims a chunk and goes when its message surely was not sent; what is in doubt counts. The
ledger says what became of a message, this says what a customer has had. Refuses to know any cap.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.audience.policy import CarrierKind
from engine.store.columns import UtcTime
from engine.store.reports import left_the_house
from engine.store.session import inserting
from engine.store.tables import cases, permits, recipients

Carriers = Mapping[str, Mapping[CarrierKind, str]]
"""By customer the hall and the agent that a contact counts for."""
NOBODY: Carriers = {}
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
    carriers: Carriers = NOBODY,
) -> None:
    """Hold a contact for each of the customers, who have none of this wave. It counts for their `carriers`."""
    if customers:
        same = {"wave": wave, "case_id": case_id, "channel": channel, "purpose": purpose, "category": category}
        of = [carriers.get(customer, {}) for customer in customers]
        listed = [(one, by.get("hall", ""), by.get("agent", "")) for one, by in zip(customers, of, strict=True)]
        tx.execute(_ENTER[tx.dialect.name], {**same, "at": at, "customers": msgspec.json.encode(listed).decode()})


def move(tx: Connection, wave: str, customers: Sequence[str], *, at: datetime) -> None:
    """Say that the contacts of these customers are made now and not when they were held first."""
    if customers:
        tx.execute(sa.update(permits).where(permits.c.wave == wave, _of(tx, customers)).values(at=at))


def release(tx: Connection, wave: str, customers: Sequence[str]) -> int:
    """Give back contacts that surely were not made; how many."""
    if not customers:
        return 0
    return tx.execute(sa.delete(permits).where(permits.c.wave == wave, _of(tx, customers))).rowcount


def release_unsent(tx: Connection, wave: str) -> int:
    """Give back what the wave holds for rows that were cancelled or suppressed, and so were not sent; how many."""
    mine = sa.select(recipients.c.customer).where(
        recipients.c.wave == wave, recipients.c.state.in_(("cancelled", "suppressed"))
    )
    return tx.execute(sa.delete(permits).where(permits.c.wave == wave, permits.c.customer.in_(mine))).rowcount


def count(tx: Connection, channel: str, since: datetime) -> int:
    """How many contacts over a channel are held or were made since then."""
    chosen = sa.select(sa.func.count()).select_from(permits)
    return int(tx.execute(chosen.where(permits.c.channel == channel, permits.c.at >= since)).scalar_one())


def carried(tx: Connection, kind: CarrierKind, since: datetime, names: Collection[str] = ()) -> dict[str, int]:
    """How many contacts each hall or agent has carried since then, of these `names` or of all who carried any."""
    column = permits.c[kind]
    chosen = sa.select(column, sa.func.count()).where(column != "", permits.c.at >= since).group_by(column)
    if names:
        chosen = chosen.where(_among(tx, column, sorted(names)))
    return dict(tx.execute(chosen).tuples().all())


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
    return _among(tx, permits.c.customer, customers)


def _among(tx: Connection, column: sa.ColumnElement[str], values: Sequence[str]) -> sa.ColumnElement[bool]:
    if tx.dialect.name == "postgresql":
        return column == sa.func.any(sa.cast(list(values), sa.ARRAY(sa.String)))
    return column.in_(sa.text("SELECT value FROM json_each(:listed)").bindparams(listed=_json(values)))


def _json(customers: Sequence[str]) -> str:
    return msgspec.json.encode(list(customers)).decode()


def _entering(columns: str, customers: str) -> sa.TextClause:
    text = f"""
        INSERT INTO permits (wave, customer, hall, agent, case_id, channel, purpose, category, at)
        SELECT :wave, {columns}, :case_id, :channel, :purpose, :category, :at FROM {customers}
    """
    return sa.text(text).bindparams(sa.bindparam("at", type_=UtcTime))


_ENTER = {
    "postgresql": _entering("one->>0, one->>1, one->>2", "jsonb_array_elements(CAST(:customers AS jsonb)) AS t(one)"),
    "sqlite": _entering(", ".join(f"json_extract(value, '$[{n}]')" for n in range(3)), "json_each(:customers)"),
}
