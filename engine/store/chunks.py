"""Chunks of a wave as leases: one worker at a time, a fencing token for the one that comes back too late.

A lease runs by the database's clock. A chunk that was claimed and not closed may have been sent or not: its next claim
says so (`is_uncertain`), and so does one that was given back after a request without an answer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.delivery.waves import Chunk
from engine.store.columns import UtcTime
from engine.store.tables import chunks

UNANSWERED = "unanswered"

_CLAIM = """
UPDATE chunks
SET state = 'claimed', fence = fence + 1, attempts = attempts + 1, lease_until = :until,
    error = CASE WHEN state = 'claimed' THEN '{unanswered}: a worker ended' ELSE error END
WHERE wave = :wave AND position = (
    SELECT position FROM chunks
    WHERE wave = :wave AND state <> 'done' AND (available_at IS NULL OR available_at <= :now)
      AND (state = 'waiting' OR lease_until <= :now)
    ORDER BY position LIMIT 1 {skip_locked})
RETURNING position, first, last, fence, attempts, error
"""


def _claim(skip_locked: str) -> sa.TextClause:
    times = (sa.bindparam("now", type_=UtcTime), sa.bindparam("until", type_=UtcTime))
    return sa.text(_CLAIM.format(unanswered=UNANSWERED, skip_locked=skip_locked)).bindparams(*times)


_CLAIMS = {"sqlite": _claim(""), "postgresql": _claim("FOR UPDATE SKIP LOCKED")}


@dataclass(frozen=True, slots=True)
class Claim:
    """A chunk that is ours until the lease ends. `is_uncertain`: an earlier attempt may have reached customers."""

    wave: str
    position: int
    first: int
    last: int
    fence: int
    attempts: int
    is_uncertain: bool


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A chunk that is not done and of which rows may have left the house: a worker is at it (`is_held`), or one that
    is gone, or a request without an answer, may have reached its customers."""

    first: int
    last: int
    is_held: bool


def enter(
    tx: Connection, wave: str, divided: Iterable[Chunk], segments: Mapping[int, int] = MappingProxyType({})
) -> None:
    """Write the chunks of a wave that has none; `segments` are what their letters have, where a budget pays."""
    rows = [
        {
            "wave": wave,
            "position": one.position,
            "first": one.first,
            "last": one.last,
            "segments": segments.get(one.position, 0),
        }
        for one in divided
    ]
    if rows:
        tx.execute(sa.insert(chunks).values(state="waiting"), rows)


def claim(tx: Connection, wave: str, now: datetime, lease: timedelta) -> Claim | None:
    """Claim the first chunk of the wave that is free or whose lease ended, or None. `now` is the database's clock."""
    values = {"wave": wave, "now": now, "until": now + lease}
    row = tx.execute(_CLAIMS[tx.dialect.name], values).one_or_none()
    if row is None:
        return None
    return Claim(wave, row.position, row.first, row.last, row.fence, row.attempts, row.error.startswith(UNANSWERED))


def extend(tx: Connection, claim: Claim, until: datetime) -> bool:
    """Keep the chunk until then; False when somebody else has claimed it since."""
    return _held(tx, claim, lease_until=until)


def close(tx: Connection, claim: Claim) -> bool:
    """Close the chunk; False when somebody else has claimed it since, who will close it."""
    return _held(tx, claim, state="done", lease_until=None, available_at=None, error="")


def give_back(tx: Connection, claim: Claim, *, available_at: datetime, error: str, is_uncertain: bool) -> bool:
    """Put the chunk back for later; False when somebody else has claimed it since."""
    words = f"{UNANSWERED}: {error}" if is_uncertain else error
    return _held(tx, claim, state="waiting", lease_until=None, available_at=available_at, error=words)


def count_open(tx: Connection, wave: str) -> int:
    """Chunks that are not done."""
    chosen = sa.select(sa.func.count()).select_from(chunks).where(chunks.c.wave == wave, chunks.c.state != "done")
    return tx.execute(chosen).scalar_one()


def at_risk(tx: Connection, wave: str, now: datetime) -> tuple[AtRisk, ...]:
    """The open chunks that are claimed, or uncertain. `now` is the database's clock."""
    claimed, doubtful = chunks.c.state == "claimed", chunks.c.error.startswith(UNANSWERED)
    columns = (chunks.c.first, chunks.c.last, chunks.c.state, chunks.c.lease_until, chunks.c.error)
    chosen = sa.select(*columns).where(chunks.c.wave == wave, chunks.c.state != "done", claimed | doubtful)
    return tuple(
        AtRisk(row.first, row.last, row.state == "claimed" and row.lease_until > now)
        for row in tx.execute(chosen.order_by(chunks.c.position))
    )


def end(tx: Connection, wave: str, now: datetime) -> None:
    """Close every chunk of the wave that no worker is at; who comes back to one later cannot mark anything."""
    is_free = sa.or_(chunks.c.state == "waiting", chunks.c.lease_until <= now)
    here = sa.update(chunks).where(chunks.c.wave == wave, chunks.c.state != "done", is_free)
    closed = {"state": "done", "fence": chunks.c.fence + 1, "lease_until": None, "available_at": None, "error": ""}
    tx.execute(here.values(closed))


def _held(tx: Connection, claim: Claim, **columns: datetime | str | None) -> bool:
    statement = sa.update(chunks).where(
        chunks.c.wave == claim.wave,
        chunks.c.position == claim.position,
        chunks.c.fence == claim.fence,
        chunks.c.state == "claimed",
    )
    return tx.execute(statement.values(**columns)).rowcount == 1
