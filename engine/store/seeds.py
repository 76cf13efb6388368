"""Seeds (种子号码): addresses of the house that every wave of an office also goes to, so that somebody sees what
customers get.

Ended, not deleted. Refuses to hold an address that is not sealed; who adds one has seen to it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import seeds


@dataclass(frozen=True, slots=True)
class SeedRow:
    """One seed. `address` is sealed, `shown` masked; `customer` is their number where they are a customer too."""

    id: int
    office: str
    name: str
    channel: str
    address: str
    shown: str
    customer: str
    expires_at: datetime | None
    added_by: str
    added_at: datetime
    ended_at: datetime | None


def add(
    tx: Connection,
    *,
    office: str,
    name: str,
    channel: str,
    address: str,
    shown: str,
    customer: str,
    expires_at: datetime | None,
    by: str,
    at: datetime,
) -> int | None:
    """The number of the new seed; None where the office has one with this address that was not ended."""
    values = {
        "office": office,
        "name": name,
        "channel": channel,
        "address": address,
        "shown": shown,
        "customer": customer,
        "expires_at": expires_at,
        "added_by": by,
        "added_at": at,
    }
    fresh = inserting(tx, seeds).values(values).on_conflict_do_nothing().returning(seeds.c.id)
    return tx.execute(fresh).scalar_one_or_none()


def listed(tx: Connection) -> tuple[SeedRow, ...]:
    """Those that were not ended, by office and name; also those whose time is over."""
    query = sa.select(seeds).where(seeds.c.ended_at.is_(None)).order_by(seeds.c.office, seeds.c.name, seeds.c.id)
    return tuple(_row(row) for row in tx.execute(query).mappings())


def find(tx: Connection, number: int) -> SeedRow | None:
    """One that was not ended, locked; None where there is none of that number."""
    query = sa.select(seeds).where(seeds.c.id == number, seeds.c.ended_at.is_(None)).with_for_update()
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else _row(row)


def end(tx: Connection, number: int, *, by: str, at: datetime) -> None:
    """From now on nothing goes to it."""
    tx.execute(sa.update(seeds).where(seeds.c.id == number).values(ended_at=at, ended_by=by))


def valid(tx: Connection, offices: Sequence[str], channel: str, at: datetime) -> tuple[SeedRow, ...]:
    """The seeds of these offices that hold at that moment, each address once."""
    query = sa.select(seeds).where(seeds.c.office.in_(offices), seeds.c.channel == channel, _holds(at))
    found = {row["address"]: _row(row) for row in tx.execute(query.order_by(seeds.c.id.desc())).mappings()}
    return tuple(sorted(found.values(), key=lambda one: one.id))


def holding(tx: Connection, numbers: Sequence[int], at: datetime) -> dict[int, SeedRow]:
    """Those of the seeds that hold at that moment, by number."""
    query = sa.select(seeds).where(seeds.c.id.in_(numbers), _holds(at))
    return {row["id"]: _row(row) for row in tx.execute(query).mappings()}


def renew(tx: Connection, renewed: Callable[[str], str]) -> int:
    """Write every address as `renewed` gives it, under the newest key; how many changed."""
    count = 0
    for number, address in tx.execute(sa.select(seeds.c.id, seeds.c.address)).all():
        fresh = renewed(address)
        if fresh != address:
            tx.execute(sa.update(seeds).where(seeds.c.id == number).values(address=fresh))
            count += 1
    return count


def _holds(at: datetime) -> sa.ColumnElement[bool]:
    return seeds.c.ended_at.is_(None) & sa.or_(seeds.c.expires_at.is_(None), seeds.c.expires_at > at)


def _row(row: Mapping[Any, Any]) -> SeedRow:
    return SeedRow(**{name: row[name] for name in SeedRow.__dataclass_fields__})
