"""Claims a chunk of a wave for a worker: its lease, whom it leaves out, the contacts and the money that it holds.

Everything is asked once more here, right before a chunk goes: suppression and opt-outs, erasures, the contact policy,
the budget, the rate. Refuses to hand anything over: that is sending's part.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from engine.delivery import pacing
from engine.delivery.channels import CHANNELS, Guarantee
from engine.delivery.waves import chunk_size
from engine.service import forgotten, permits, spending
from engine.service.app import Countersign
from engine.service.couriers.opening import guarantee_of
from engine.service.permits import Asked
from engine.store import chunks, ledger, opt_outs, suppression, waves
from engine.store import permits as permit_rows
from engine.store.chunks import Claim
from engine.store.session import database_now
from engine.store.waves import WaveRow
from engine.warehouse.addresses import Vault
from engine.warehouse.wavefiles import Letter

LEASE = timedelta(seconds=30)  # kept while the chunk is sent; so long nobody takes over from a dead worker
INTERRUPTED = "a worker ended while it was sending"
DOUBTFUL = "opted out after an interrupted attempt"
FULL = "the channel carries no more contacts today"
EACH_FULL = "a hall or an agent carries no more contacts today"


@dataclass(frozen=True, slots=True)
class Held:
    """A claimed chunk: the rows to hand over, and how many were taken out of it by an opt-out, the contact policy, or
    the end of a worker that nobody can ask about.
    `is_capped`: contacts are held for the rows. `later`: how many go another day, as their hall or agent carries no
    more today. `sent` are rows that went out on a day before."""

    wave: WaveRow
    claim: Claim
    guarantee: Guarantee
    rows: frozenset[int]
    barred: int
    is_capped: bool
    later: int = 0
    sent: frozenset[int] = frozenset()


def claim_of(app: Countersign, tx: Connection, seen: WaveRow, asked: Asked | None, vault: Vault) -> Held | None:
    """The next chunk of the wave in the caller's transaction, without whoever may not be sent to; None where nothing of
    it may go now. Overrun where its letters cost more than is left."""
    wave = waves.lock(tx, seen.id)
    if wave is None or wave.state != "running":
        return None
    at, zone = app.now(), app.settings.zone
    if asked and permits.is_full(tx, asked, at=at, zone=zone):
        return None
    clock = database_now(tx)
    bucket = None
    if wave.plan.rate is not None:
        burst = chunk_size(wave.plan)
        bucket = pacing.refill(wave.bucket, wave.plan.rate, burst, clock)
        if bucket.tokens <= 0:
            return None
    claim = chunks.claim(tx, wave.id, clock, LEASE)
    if claim is None:
        return None
    guarantee = guarantee_of(wave.channel, app.settings)
    waiting = ledger.waiting(tx, wave.id, claim.first, claim.last)
    if claim.is_uncertain and guarantee == "at_most_once":
        ledger.settle(tx, wave.id, dict.fromkeys(waiting, INTERRUPTED), state="unknown", at=at)
        return Held(wave, claim, guarantee, frozenset(), len(waiting), is_capped=False)
    out = suppression.suppressed(tx, tuple(waiting.values()), at, channel=wave.channel, case_id=wave.case_id)
    out |= forgotten.among(tx, vault, waiting.values())
    left = {row: customer for row, customer in waiting.items() if customer not in out}
    barred = dict.fromkeys(waiting.keys() - left.keys(), DOUBTFUL if claim.is_uncertain else ledger.SUPPRESSED)
    kept = _hold(tx, asked, claim, left, at=at, zone=zone) if asked else permits.Held(())
    if kept.is_full:
        later = clock + permits.until_tomorrow(at, zone)
        chunks.give_back(tx, claim, available_at=later, error=FULL, is_uncertain=claim.is_uncertain)
        return None
    if barred:
        ledger.settle(tx, wave.id, barred, state="unknown" if claim.is_uncertain else "suppressed", at=at)
    reasons = {one.customer: one.reason for one in kept.refused}
    capped = {row: reasons[customer] for row, customer in left.items() if customer in reasons}
    if capped:
        ledger.settle(tx, wave.id, capped, state="suppressed", at=at)
    waits = frozenset(kept.later)
    later_rows = {row for row, customer in left.items() if customer in waits}
    rows = frozenset(left.keys() - capped.keys() - later_rows)
    sent = frozenset() if CHANNELS[wave.channel].has_text else ledger.sent(tx, wave.id, claim.first, claim.last)
    if bucket is not None:
        after = pacing.take(bucket, len(rows))
        assert after is not None
        waves.keep_bucket(tx, wave.id, after)
    if wave.account and rows:
        spending.hold(app, tx, wave, claim)
    barred_count = len(waiting) - len(rows) - len(later_rows)
    return Held(
        wave, claim, guarantee, rows, barred_count, is_capped=asked is not None, later=len(later_rows), sent=sent
    )


def _hold(
    tx: Connection, asked: Asked, claim: Claim, left: Mapping[int, str], *, at: datetime, zone: ZoneInfo
) -> permits.Held:
    """Hold a contact for every row."""
    return permits.take(
        tx,
        asked,
        tuple(left.values()),
        asked.past(claim.first, claim.last),
        at=at,
        zone=zone,
        is_repeat=claim.is_uncertain,
        of=asked.carriers(left),
    )


def without_opted_out(app: Countersign, held: Held, letters: list[Letter]) -> tuple[Held, list[Letter]]:
    """Leave out the letters to addresses that have opted out, whoever they belong to."""
    addresses = [one.address for one in letters if one.address]
    with app.db.read() as tx:
        gone = opt_outs.among(tx, addresses, held.wave.channel) if addresses else set()
    barred = {one.row: one.customer for one in letters if one.address in gone}
    if not barred:
        return held, letters
    left = [one for one in letters if one.row not in barred]
    doubt = held.claim.is_uncertain
    with app.db.begin() as tx:
        waves.lock(tx, held.wave.id)
        if not chunks.extend(tx, held.claim, database_now(tx) + LEASE):
            return held, left  # another has the chunk, and records what becomes of all of it
        if held.is_capped and not doubt:
            permit_rows.release(tx, held.wave.id, sorted(barred.values()))
        reasons = dict.fromkeys(barred, DOUBTFUL if doubt else ledger.SUPPRESSED)
        ledger.settle(tx, held.wave.id, reasons, state="unknown" if doubt else "suppressed", at=app.now())
    return replace(held, rows=held.rows - barred.keys(), barred=held.barred + len(barred)), left
