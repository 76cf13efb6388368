"""The delivery worker: claims chunks, checks opt-outs once more, hands the letters over, records what is known.

Addresses are sealed until their chunk goes out. Every step survives a kill: a claim is a lease, a letter has the same
id on every try, and what was handed over is recorded with the chunk's fencing token. Rate, hours and pause hold between
chunks. Several workers may run at once.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy import Connection

from engine.delivery import pacing
from engine.delivery.channels import CHANNELS
from engine.delivery.message import size_of
from engine.delivery.waves import chunk_size
from engine.masking import masked
from engine.service import stopping
from engine.service.app import Countersign
from engine.service.gateways import Handed, SmsGateway, hand_off
from engine.service.keeping import kept
from engine.service.sealing import vault
from engine.store import chunks, ledger, suppression, waves
from engine.store.chunks import Claim
from engine.store.session import database_now
from engine.store.waves import WaveRow
from engine.warehouse.addresses import Vault
from engine.warehouse.wavefiles import Letter, WaveFile

LEASE = timedelta(seconds=30)  # kept while the chunk is sent; so long nobody takes over from a dead worker
CHUNKS_IN_FLIGHT = 4
STOP_CHECK_SECONDS = 1.0
DOUBTFUL = "opted out after an interrupted attempt"


@dataclass(slots=True)
class Progress:
    """What one call of `work` did, in recipients; `returned` were given back for later, `error` says why."""

    chunks: int = 0
    sent: int = 0
    failed: int = 0
    suppressed: int = 0
    returned: int = 0
    error: str = ""

    @property
    def handled(self) -> int:
        """Recipients that are no longer waiting."""
        return self.sent + self.failed + self.suppressed


@dataclass(frozen=True, slots=True)
class _Held:
    """A claimed chunk: the rows to hand over, and how many were taken out of it by an opt-out."""

    wave: WaveRow
    claim: Claim
    rows: frozenset[int]
    barred: int


@dataclass(slots=True)
class _Round:
    """One call of `work`."""

    app: Countersign
    gateway: SmsGateway
    vault: Vault
    progress: Progress = field(default_factory=Progress)
    files: dict[str, WaveFile] = field(default_factory=dict)
    checked: dict[str, float] = field(default_factory=dict)
    claims: dict[tuple[str, int], Claim] = field(default_factory=dict)


def work(app: Countersign, worker: str, *, limit: int = 50_000) -> Progress | None:
    """Send what is due, up to about `limit` recipients; None when nothing may be sent at this moment.

    `worker` names the caller in errors that stay behind. Raises nothing for a gateway that is down: the chunks go back
    with a time to try again, and `Progress.error` says so.
    """
    return asyncio.run(_work(app, worker, limit))


async def _work(app: Countersign, worker: str, limit: int) -> Progress | None:
    async with SmsGateway(app.settings.sms_url, app.settings.sms_secret) as gateway:
        now = _Round(app, gateway, vault(app.settings))
        with kept(lambda: _extend(now), lease=LEASE):
            await _send(now, worker, limit)
    return now.progress if now.progress.chunks else None


def _extend(now: _Round) -> None:
    with now.app.db.begin() as tx:
        until = database_now(tx) + LEASE
        for claim in list(now.claims.values()):
            chunks.extend(tx, claim, until)


async def _send(now: _Round, worker: str, limit: int) -> None:
    pending: set[asyncio.Task[None]] = set()
    taken = 0
    try:
        while taken < limit and not now.gateway.is_down:
            held = await asyncio.to_thread(_claim, now)
            if held is None:
                break
            taken += len(held.rows) + held.barred
            pending.add(asyncio.create_task(_deliver(now, held, worker)))
            if len(pending) >= CHUNKS_IN_FLIGHT:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        await asyncio.gather(*pending)
    finally:
        for file in now.files.values():
            file.close()


def _claim(now: _Round) -> _Held | None:
    """The next chunk that may go at this moment, of any wave; its lease begins."""
    app = now.app
    moment = app.now()
    with app.db.read() as tx:
        running = waves.running(tx)
    for wave in running:
        if not pacing.is_open(wave.plan.hours, moment, app.settings.zone) or _must_stop(now, wave):
            continue
        _file(now, wave)
        with app.db.begin() as tx:
            held = _claim_of(app, tx, wave)
        if held is not None:
            now.claims[held.claim.wave, held.claim.position] = held.claim
            return held
    return None


def _must_stop(now: _Round, wave: WaveRow) -> bool:
    if time.monotonic() < now.checked.get(wave.case_id, 0.0):
        return False
    now.checked[wave.case_id] = time.monotonic() + STOP_CHECK_SECONDS
    return stopping.stop_if_due(now.app, wave.case_id)


def _claim_of(app: Countersign, tx: Connection, seen: WaveRow) -> _Held | None:
    wave = waves.lock(tx, seen.id)
    if wave is None or wave.state != "running":
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
    waiting = ledger.waiting(tx, wave.id, claim.first, claim.last)
    out = suppression.suppressed(tx, tuple(waiting.values()), app.now(), channel=wave.channel, case_id=wave.case_id)
    barred = [row for row, customer in waiting.items() if customer in out]
    if barred and claim.is_uncertain:
        ledger.settle(tx, wave.id, dict.fromkeys(barred, DOUBTFUL), state="unknown", at=app.now())
    elif barred:
        ledger.settle(tx, wave.id, dict.fromkeys(barred, ledger.SUPPRESSED), state="suppressed", at=app.now())
    if bucket is not None:
        after = pacing.take(bucket, len(waiting) - len(barred))
        assert after is not None
        waves.keep_bucket(tx, wave.id, after)
    return _Held(wave, claim, frozenset(waiting.keys() - set(barred)), len(barred))


async def _deliver(now: _Round, held: _Held, worker: str) -> None:
    letters = _letters(now, held)  # on this thread: a Parquet reader serves one
    if not CHANNELS[held.wave.channel].has_text:
        folder = now.app.settings.data / held.wave.parts
        handed = await asyncio.to_thread(hand_off, folder, held.claim.position, letters)
    elif letters:
        handed = await now.gateway.hand(held.wave.id, letters)
    else:
        handed = Handed()
    await asyncio.to_thread(_record, now, held, letters, handed, worker)


def _letters(now: _Round, held: _Held) -> list[Letter]:
    file = _file(now, held.wave)
    letters = [letter for letter in file.chunk(held.claim.position) if letter.row in held.rows]
    return [replace(one, address=now.vault.open(one.address)) for one in letters]


def _file(now: _Round, wave: WaveRow) -> WaveFile:
    """The wave's file. AddressUnreadable where the key of its addresses is not here, before a chunk is claimed."""
    file = now.files.get(wave.id)
    if file is None:
        file = now.files[wave.id] = WaveFile(now.app.settings.data / wave.file)
        for letter in file.chunk(0)[:1]:
            now.vault.open(letter.address)
    return file


def _record(now: _Round, held: _Held, letters: list[Letter], handed: Handed, worker: str) -> None:
    claim, at = held.claim, now.app.now()
    del now.claims[claim.wave, claim.position]
    taken = set(handed.taken)
    segments = sum(_segments(held.wave, letter) for letter in letters if letter.row in taken)
    with now.app.db.begin() as tx:
        waves.lock(tx, claim.wave)
        if handed.is_whole:
            ours = chunks.close(tx, claim)
        else:
            later = database_now(tx) + pacing.backoff(claim.attempts, handed.asked)
            doubt = claim.is_uncertain or bool(handed.unanswered)
            error = f"{worker}: {handed.error}"
            ours = chunks.give_back(tx, claim, available_at=later, error=error, is_uncertain=doubt)
        if not ours:
            return  # the lease ended meanwhile; who holds the chunk now sends the same ids and records them
        if handed.rejected:
            ledger.settle(tx, claim.wave, _without_addresses(handed.rejected, letters), state="failed", at=at)
        if handed.is_whole:
            ledger.mark_sent(tx, claim.wave, claim.first, claim.last, at=at)
        elif handed.taken:
            ledger.mark_rows_sent(tx, claim.wave, handed.taken, at=at)
        if segments:
            waves.add_segments(tx, claim.wave, segments)
    _count(now.progress, held, handed)


def _without_addresses(reasons: Mapping[int, str], letters: Sequence[Letter]) -> dict[int, str]:
    """Why the gateway refused each; some say the number in full, which the ledger is not to keep."""
    addresses = {letter.row: letter.address for letter in letters if letter.address}
    return {
        row: reason.replace(addresses[row], masked(addresses[row])) if row in addresses else reason
        for row, reason in reasons.items()
    }


def _count(progress: Progress, held: _Held, handed: Handed) -> None:
    progress.chunks += 1
    progress.sent += len(handed.taken)
    progress.failed += len(handed.rejected)
    progress.suppressed += held.barred
    progress.returned += len(handed.refused) + len(handed.unanswered)
    progress.error = handed.error or progress.error


def _segments(wave: WaveRow, letter: Letter) -> int:
    return size_of(letter.text).segments if CHANNELS[wave.channel].has_text else 1
