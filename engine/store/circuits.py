"""What does not answer: a mail server, a gateway, the host of bots, one webhook. While it is down, one message at a
time tries it, and the others wait without losing an attempt."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import circuits

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=2)  # so that what waits is under way soon after it is back


@dataclass(frozen=True, slots=True)
class Down:
    """Something that does not answer. `is_told`: its alarm was raised."""

    name: str
    down_since: datetime
    probe_at: datetime
    failures: int
    error: str
    is_told: bool


_COLUMNS = tuple(circuits.c[name] for name in Down.__dataclass_fields__)


def all_down(tx: Connection) -> tuple[Down, ...]:
    """Everything that does not answer, the longest first."""
    return tuple(Down(*row) for row in tx.execute(sa.select(*_COLUMNS).order_by(circuits.c.down_since)))


def fail(tx: Connection, name: str, now: datetime, error: str) -> Down:
    """It did not answer: not before a pause, that doubles, is it tried again."""
    row = {"name": name, "down_since": now, "probe_at": now + FIRST_PAUSE, "failures": 0, "error": error[:1000]}
    tx.execute(inserting(tx, circuits).values(row).on_conflict_do_nothing())
    before = tx.execute(sa.select(*_COLUMNS).where(circuits.c.name == name).with_for_update()).one()
    pause = min(FIRST_PAUSE * 2 ** min(before.failures, 10), LONGEST_PAUSE)
    after = {"failures": before.failures + 1, "probe_at": now + pause, "error": error[:1000]}
    tx.execute(sa.update(circuits).where(circuits.c.name == name).values(after))
    return Down(**{**before._mapping, **after})


def told(tx: Connection, name: str) -> bool:
    """Its alarm is raised now; False where somebody was first."""
    silent = (circuits.c.name == name) & ~circuits.c.is_told
    return bool(tx.execute(sa.update(circuits).where(silent).values(is_told=True)).rowcount)


def answer(tx: Connection, name: str) -> bool:
    """It answers. Whether it had not before."""
    return bool(tx.execute(sa.delete(circuits).where(circuits.c.name == name)).rowcount)
