"""Gives the rows of a wave that still wait their end, when the wave is cancelled or its time is over.

What surely was not sent is cancelled, or suppressed where the wave drops what it cannot send in its hours. What a
worker is sending at that moment is left to it: what it hands over stays sent, and the rest follows once its chunk is
given back or its lease ends. What an interrupted attempt may have reached is unknown. Refuses to move the wave itself.
"""

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from engine.delivery.pacing import ends_at
from engine.service.app import Countersign
from engine.store import chunks, ledger, permits, waves
from engine.store.session import database_now
from engine.store.waves import WaveRow

CANCELLED = "the delivery was cancelled"
EXPIRED = "the wave expired"
OUTSIDE = "outside hours"
INTERRUPTED = "ended after an interrupted attempt"


def end(
    tx: Connection, wave: str, *, state: Literal["suppressed", "cancelled"] = "cancelled", reason: str, at: datetime
) -> None:
    """End what waits of a wave whose lock the caller holds; called again it ends what was left to a worker."""
    clock = database_now(tx)
    at_risk = chunks.at_risk(tx, wave, clock)
    for one in at_risk:
        if not one.is_held:
            ledger.doubt(tx, wave, one.first, one.last, reason=INTERRUPTED, at=at)
    held = [(one.first, one.last) for one in at_risk if one.is_held]
    ended = ledger.end_waiting(tx, wave, held, state=state, reason=reason, at=at)
    chunks.end(tx, wave, clock)
    if ended:
        permits.release_unsent(tx, wave)


def end_if_over(app: Countersign, row: WaveRow) -> None:
    """End what waits of a wave that has started and whose plan gives up what has not gone out by now."""
    now = app.now()
    if not is_over(app, row, now):
        return
    with app.db.begin() as tx:
        wave = waves.lock(tx, row.id)
        if wave is None or wave.state not in ("running", "paused"):
            return
        if wave.plan.outside == "drop":
            end(tx, wave.id, state="suppressed", reason=OUTSIDE, at=now)
        else:
            end(tx, wave.id, reason=EXPIRED, at=now)


def is_over(app: Countersign, row: WaveRow, now: datetime) -> bool:
    """Whether the plan of the wave lets nothing more out."""
    until = ends_at(row.plan, row.started_at, app.settings.zone) if row.started_at else None
    return until is not None and until <= now


def finish_cancelled(app: Countersign) -> None:
    """End what workers had in hand when their waves were cancelled, as far as they are done with it."""
    with app.db.read() as tx:
        some = waves.ending(tx)
    for wave in some:
        with app.db.begin() as tx:
            row = waves.lock(tx, wave)
            if row is not None and row.state == "cancelled":
                end(tx, wave, reason=CANCELLED, at=app.now())
