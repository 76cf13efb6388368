"""What came back signed and belongs to nothing here yet: kept, once each, until it finds its message or a person has
looked at it.

Refuses to hold an address that is not sealed; who parks a thing has seen to it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from engine.store.session import inserting
from engine.store.tables import parked_receipts

Kind = Literal["receipt", "reply", "order", "complaint"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PAGE = 50


@dataclass(frozen=True, slots=True)
class Parked:
    """One thing to park. `reference` tells it from others of its kind: parked again it changes nothing. `wave` is the
    wave that it names, empty where it names none."""

    kind: Kind
    reference: str
    body: str
    reason: str
    wave: str = ""


def park(tx: Connection, things: Iterable[Parked], at: datetime) -> None:
    """Keep things that belong to nothing here: to be looked at by a person, never dropped."""
    rows = [
        {
            "kind": one.kind,
            "reference": one.reference[:120],
            "body": one.body,
            "reason": one.reason,
            "wave": one.wave[:48],
            "at": at,
        }
        for one in things
    ]
    if rows:
        tx.execute(inserting(tx, parked_receipts).on_conflict_do_nothing(), rows)


def there(tx: Connection, kind: Kind, references: Sequence[str]) -> frozenset[str]:
    """Those of the references under which something was parked before."""
    known = parked_receipts.c.reference.in_(references) & (parked_receipts.c.kind == kind)
    return frozenset(tx.execute(sa.select(parked_receipts.c.reference).where(known)).scalars())


def listed(tx: Connection, before: int = 0, limit: int = PAGE, kind: Kind | None = None) -> tuple[Row[Any], ...]:
    """id, kind, body, reason, at of what nobody has looked at yet, the newest first."""
    where: list[sa.ColumnElement[bool]] = [parked_receipts.c.settled_at.is_(None)]
    if before:
        where.append(parked_receipts.c.id < before)
    if kind:
        where.append(parked_receipts.c.kind == kind)
    query = sa.select(parked_receipts).where(*where)
    return tuple(tx.execute(query.order_by(parked_receipts.c.id.desc()).limit(limit)))


def counts(tx: Connection) -> dict[Kind, int]:
    """How many of each kind nobody has looked at yet."""
    query = sa.select(parked_receipts.c.kind, sa.func.count()).where(parked_receipts.c.settled_at.is_(None))
    found = {row[0]: row[1] for row in tx.execute(query.group_by(parked_receipts.c.kind))}
    return {kind: found.get(kind, 0) for kind in KINDS}


def find(tx: Connection, number: int) -> Row[Any] | None:
    """One that nobody has looked at yet, locked; None where there is none of that number."""
    query = sa.select(parked_receipts).where(parked_receipts.c.id == number, parked_receipts.c.settled_at.is_(None))
    return tx.execute(query.with_for_update()).one_or_none()


def of_wave(tx: Connection, wave: str) -> tuple[Row[Any], ...]:
    """id, kind, body of what waits for this wave, in the order in which it came; locked."""
    query = sa.select(parked_receipts).where(parked_receipts.c.wave == wave, parked_receipts.c.settled_at.is_(None))
    return tuple(tx.execute(query.order_by(parked_receipts.c.id).with_for_update()))


def settle(tx: Connection, numbers: Sequence[int], *, by: str, at: datetime) -> int:
    """They found their message, or somebody looked at them; how many."""
    here = parked_receipts.c.id.in_(numbers) & parked_receipts.c.settled_at.is_(None)
    return tx.execute(sa.update(parked_receipts).where(here).values(settled_at=at, settled_by=by)).rowcount
