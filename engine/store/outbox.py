"""Effects to be carried out, handed out as leases, tried again with growing pauses, given up after many attempts.

A row is written by the transition that decided it. It may be carried out twice (a worker that dies after acting and
before `done`), so what acts on it must be harmless twice. Everything here goes by the database's clock. Never hold the
transaction over the action: claim, commit, act, then `done` or `failed` in another transaction.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.machine.outcome import AnyEffect, Effect
from engine.store.session import database_now
from engine.store.tables import outbox

ATTEMPTS = 12
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(hours=1)

_read_effect = msgspec.json.Decoder(AnyEffect).decode


@dataclass(frozen=True, slots=True)
class Claimed:
    """An effect under a lease. `fence` proves who holds it; `attempts` counts this one."""

    key: str
    case_id: str
    effect: AnyEffect
    attempts: int
    fence: int


def claim(
    tx: Connection, kinds: Collection[type[Effect]] = (), *, limit: int = 100, seconds: float = 60
) -> tuple[Claimed, ...]:
    """Up to `limit` effects of `kinds` (empty: of every kind), the longest waiting first.

    Nobody else gets them for `seconds`.
    """
    moment = database_now(tx)
    is_free = outbox.c.lease_until.is_(None) | (outbox.c.lease_until <= moment)
    wanted = [outbox.c.kind.in_([kind.__name__ for kind in kinds])] if kinds else []
    waiting = (
        sa.select(outbox.c.key)
        .where(sa.text("outbox.state='pending'"), outbox.c.available_at <= moment, is_free, *wanted)
        .order_by(outbox.c.available_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("waiting")
    )
    taken = (
        sa.update(outbox)
        .where(outbox.c.key.in_(sa.select(waiting.c.key)))
        .values(
            lease_until=moment + timedelta(seconds=seconds),
            fence=outbox.c.fence + 1,
            attempts=outbox.c.attempts + 1,
        )
        .returning(
            outbox.c.key, outbox.c.case_id, outbox.c.body, outbox.c.attempts, outbox.c.fence, outbox.c.available_at
        )
    )
    rows = sorted(tx.execute(taken), key=lambda row: (row.available_at, row.key))
    return tuple(Claimed(row.key, row.case_id, _read_effect(row.body), row.attempts, row.fence) for row in rows)


def extend(tx: Connection, claimed: Claimed, seconds: float = 60) -> bool:
    """Keep the lease for `seconds` from now. False when it has passed to somebody else: stop then."""
    return _update(tx, claimed, {"lease_until": database_now(tx) + timedelta(seconds=seconds)})


def done(tx: Connection, claimed: Claimed) -> bool:
    """It was carried out. False when the lease has passed to somebody else."""
    return _update(tx, claimed, {"state": "done", "lease_until": None, "error": ""})


def failed(tx: Connection, claimed: Claimed, error: str) -> bool:
    """It could not be carried out: try again after a pause that doubles, or give it up after ATTEMPTS.

    True when it was given up.
    """
    if claimed.attempts >= ATTEMPTS:
        return _update(tx, claimed, {"state": "dead", "lease_until": None, "error": error})
    pause: timedelta = min(FIRST_PAUSE * 2 ** (claimed.attempts - 1), LONGEST_PAUSE)
    later = {"available_at": database_now(tx) + pause, "lease_until": None, "error": error}
    _update(tx, claimed, later)
    return False


def revive(tx: Connection, key: str) -> bool:
    """Try once more what was given up, with all attempts again. False when it was not given up."""
    dead = (outbox.c.key == key) & (outbox.c.state == "dead")
    again = {"state": "pending", "attempts": 0, "available_at": database_now(tx)}
    return bool(tx.execute(sa.update(outbox).where(dead).values(again)).rowcount)


def next_available(tx: Connection) -> datetime | None:
    """When the next pending effect may be claimed, by the database's clock; None where none is pending."""
    free_at = sa.func.coalesce(outbox.c.lease_until, outbox.c.available_at, type_=outbox.c.available_at.type)
    query = sa.select(sa.func.min(free_at)).where(sa.text("outbox.state='pending'"))
    moment: datetime | None = tx.execute(query).scalar_one()
    return moment


def _update(tx: Connection, claimed: Claimed, values: Mapping[str, object]) -> bool:
    held = (outbox.c.key == claimed.key) & (outbox.c.fence == claimed.fence) & (outbox.c.state == "pending")
    return bool(tx.execute(sa.update(outbox).where(held).values(values)).rowcount)
