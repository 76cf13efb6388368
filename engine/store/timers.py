"""Timers that are due, handed out as leases.

Due is a matter of business time, which the caller brings; who holds a timer is a matter of the database's clock. A
timer that fires is settled by the transition that it causes, in the same transaction; what is left here is the one
that changed nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import database_now
from engine.store.tables import timers


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer under a lease. `fence` rises with every claim, so it also counts the attempts."""

    key: str
    case_id: str
    name: str
    step: str
    due_at: datetime
    fence: int


def claim(tx: Connection, now: datetime, *, limit: int = 1000, seconds: float = 60) -> tuple[DueTimer, ...]:
    """Up to `limit` timers that are due at the business time `now`, the earliest first; nobody else gets them for
    `seconds`. Claims of several processes at once get different timers."""
    moment = database_now(tx)
    is_free = timers.c.lease_until.is_(None) | (timers.c.lease_until <= moment)
    due = (
        sa.select(timers.c.key)
        .where(sa.text("timers.state='armed'"), timers.c.due_at <= now, is_free)
        .order_by(timers.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    taken = (
        sa.update(timers)
        .where(timers.c.key.in_(sa.select(due.c.key)))
        .values(lease_until=moment + timedelta(seconds=seconds), fence=timers.c.fence + 1)
        .returning(timers.c.key, timers.c.case_id, timers.c.name, timers.c.step, timers.c.due_at, timers.c.fence)
    )
    rows = [DueTimer(*row) for row in tx.execute(taken)]
    return tuple(sorted(rows, key=lambda timer: (timer.due_at, timer.key)))


def settle(tx: Connection, timer: DueTimer) -> bool:
    """A claimed timer changed nothing and is over. False when the lease had passed to somebody else."""
    held = (timers.c.key == timer.key) & (timers.c.fence == timer.fence) & (timers.c.state == "armed")
    return bool(tx.execute(sa.update(timers).where(held).values(state="fired", lease_until=None)).rowcount)


def next_due(tx: Connection) -> datetime | None:
    """When the next armed timer is due, in business time; None where none is armed."""
    moment: datetime | None = tx.execute(
        sa.select(timers.c.due_at).where(sa.text("timers.state='armed'")).order_by(timers.c.due_at).limit(1)
    ).scalar_one_or_none()
    return moment
