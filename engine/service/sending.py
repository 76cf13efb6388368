"""The delivery worker: claims chunks, checks opt-outs and the contact policy once more, hands over, records.

Addresses are sealed until their chunk goes out. Every step survives a kill: a claim is a lease, a letter has the same
id on every try, and what was handed over is recorded with the chunk's fencing token. Rate, hours and pause hold between
chunks. Several workers may run at once.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from engine.delivery import pacing
from engine.delivery.channels import Call, segments_of
from engine.errors import CustomersUnavailable, Unavailable
from engine.masking import masked
from engine.service import ending, mailboxes, permits, restoring, side_sending, spending, stopping
from engine.service.app import Countersign
from engine.service.claiming import EACH_FULL, LEASE, Held, claim_of, without_opted_out
from engine.service.couriers.courier import Batch, Courier
from engine.service.couriers.handed import Handed
from engine.service.couriers.opening import courier_of
from engine.service.keeping import kept
from engine.service.permits import Asked
from engine.service.sealing import vault as vault_of
from engine.service.spending import Overrun
from engine.store import calls, chunks, ledger, policies, waves
from engine.store import permits as permit_rows
from engine.store.chunks import Claim
from engine.store.policies import PolicyRow
from engine.store.session import database_now
from engine.store.waves import WaveRow
from engine.warehouse.addresses import Vault
from engine.warehouse.wavefiles import Letter, WaveFile

log = structlog.get_logger()
CHUNKS_IN_FLIGHT = 4
RECORD_AGAIN_SECONDS = 0.5
WATCH_SECONDS = 1.0  # so often is asked whether what is being sent may go on: a pause is to take effect within five


@dataclass(slots=True)
class Progress:
    """What one call of `work` did, in recipients; `returned` were given back for later, `error` says why."""

    chunks: int = 0
    sent: int = 0
    failed: int = 0
    suppressed: int = 0
    unknown: int = 0
    returned: int = 0
    error: str = ""

    @property
    def handled(self) -> int:
        """Recipients that are no longer waiting."""
        return self.sent + self.failed + self.suppressed + self.unknown


@dataclass(slots=True)
class _Round:
    """One call of `work`."""

    app: Countersign
    vault: Vault
    progress: Progress = field(default_factory=Progress)
    files: dict[str, WaveFile] = field(default_factory=dict)
    checked: dict[str, float] = field(default_factory=dict)
    claims: dict[tuple[str, int], Claim] = field(default_factory=dict)
    asked: dict[tuple[str, int], Asked] = field(default_factory=dict)
    couriers: dict[str, Courier] = field(default_factory=dict)
    halted: frozenset[str] = frozenset()
    opened: AsyncExitStack = field(default_factory=AsyncExitStack)


def _never() -> bool:
    return False


def work(app: Countersign, worker: str, *, limit: int = 50_000, stop: Callable[[], bool] = _never) -> Progress | None:
    """Send what is due, up to about `limit` recipients; None when nothing may be sent at this moment.

    `worker` names the caller in errors that stay behind. Once `stop` says so no further chunk is claimed, and those at
    hand are finished. Raises nothing for a gateway that is down: the chunks go back
    with a time to try again, and `Progress.error` says so.
    """
    return asyncio.run(_work(app, worker, limit, stop))


async def _work(app: Countersign, worker: str, limit: int, stop: Callable[[], bool]) -> Progress | None:
    now = _Round(app, vault_of(app.settings))
    async with now.opened:
        with kept(lambda: _extend(now), lease=LEASE):
            watching = asyncio.create_task(_watch(now))
            try:
                await side_sending.send_due(app)
                await _send(now, worker, limit, stop)
            finally:
                watching.cancel()
    return now.progress if now.progress.chunks else None


def _extend(now: _Round) -> None:
    with now.app.db.begin() as tx:
        until = database_now(tx) + LEASE
        for claim in list(now.claims.values()):
            chunks.extend(tx, claim, until)


async def _watch(now: _Round) -> None:
    """Learn which of the waves in hand were held, by a person or by the clock."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        with suppress(Unavailable):
            now.halted = await asyncio.to_thread(_halted, now)


def _halted(now: _Round) -> frozenset[str]:
    mine = {wave for wave, _ in now.claims.copy()}
    with now.app.db.read() as tx:
        going = waves.running(tx)
    return frozenset(mine - {wave.id for wave in going if _may_go(now.app, wave, now.app.now())})


async def _send(now: _Round, worker: str, limit: int, stop: Callable[[], bool]) -> None:
    pending: set[asyncio.Task[None]] = set()
    taken = 0
    try:
        while taken < limit and not stop():
            try:
                held = await asyncio.to_thread(_claim, now)
            except Unavailable:
                await asyncio.gather(*pending, return_exceptions=True)  # what is on its way is to be recorded
                raise
            if held is None:
                break
            taken += len(held.rows) + held.barred
            channel = held.wave.channel
            if channel not in now.couriers:
                opening = courier_of(channel, now.app.settings)
                now.couriers[channel] = await now.opened.enter_async_context(opening)
            pending.add(asyncio.create_task(_deliver(now, held, worker)))
            # What nobody can be asked about goes one batch at a time: so much is in doubt when this process ends.
            if held.guarantee == "at_most_once" or len(pending) >= CHUNKS_IN_FLIGHT:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        await asyncio.gather(*pending)
    finally:
        for file in now.files.values():
            file.close()


def _claim(now: _Round) -> Held | None:
    """The next chunk that may go at this moment, of any wave; its lease begins."""
    app = now.app
    if not restoring.may_send(app):
        return None
    moment = app.now()
    with app.db.read() as tx:
        running = waves.running(tx)
        policy = policies.in_force(tx, moment) if running else None
    for wave in running:
        courier = now.couriers.get(wave.channel)
        if courier is not None and courier.is_down:
            continue
        if not _may_go(app, wave, moment) or _must_stop(now, wave):
            continue
        _file(now, wave)
        try:
            asked = _asked(now, wave, policy) if policy else None
        except CustomersUnavailable as error:
            log.warning("wave_waits", wave=wave.id, error=error.message)
            continue  # its chunks stay where they are, and other waves go on
        try:
            with app.db.begin() as tx:
                held = claim_of(app, tx, wave, asked, now.vault)
        except Overrun as error:
            stopping.hold_wave(app, wave, str(error))
            continue
        if held is not None:
            now.claims[held.claim.wave, held.claim.position] = held.claim
            return held
    return None


def _may_go(app: Countersign, wave: WaveRow, moment: datetime) -> bool:
    """Whether the plan lets messages out at that moment."""
    return pacing.is_open(wave.plan.hours, moment, app.settings.zone) and not ending.is_over(app, wave, moment)


def _must_stop(now: _Round, wave: WaveRow) -> bool:
    if time.monotonic() < now.checked.get(wave.case_id, 0.0):
        return False
    began = time.monotonic()
    must = stopping.stop_if_due(now.app, wave.case_id)
    now.checked[wave.case_id] = pacing.next_look(began, time.monotonic())
    return must


def _asked(now: _Round, wave: WaveRow, policy: PolicyRow) -> Asked:
    """What the wave asks of the policy; worked out once per call of `work`, which also is how soon an import counts."""
    found = now.asked.get((wave.id, policy.version))
    if found is None:
        found = now.asked[wave.id, policy.version] = permits.asked_for(now.app, wave, policy)
    return found


async def _deliver(now: _Round, held: Held, worker: str) -> None:
    sealed = _letters(now, held, held.rows)  # on this thread: a Parquet reader serves one
    before = _opened(now, _letters(now, held, held.sent)) if held.sent else []
    held, left = await asyncio.to_thread(without_opted_out, now.app, held, sealed)
    letters = _opened(now, left)
    wave = held.wave.id
    batch = Batch(
        wave,
        held.claim.position,
        letters,
        before,
        held.wave.parts,
        attempt=held.claim.attempts,
        goes_on=lambda: wave not in now.halted,
    )
    handed = await _handed(now, held, batch) if letters else Handed()
    await _recorded(now, held, letters, handed, worker)


async def _recorded(now: _Round, held: Held, letters: list[Letter], handed: Handed, worker: str) -> None:
    """Record what became of the chunk; a database that is away for a while is waited for as long as a lease, because
    what is not recorded is in doubt. Recorded twice it changes nothing."""
    until = time.monotonic() + LEASE.total_seconds()
    try:
        while True:
            try:
                return await asyncio.to_thread(_record, now, held, letters, handed, worker)
            except Unavailable:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(RECORD_AGAIN_SECONDS)
    finally:
        now.claims.pop((held.claim.wave, held.claim.position), None)


async def _handed(now: _Round, held: Held, batch: Batch) -> Handed:
    """Hand the batch over; what an earlier attempt may have sent is asked for first where the gateway can be asked."""
    courier = now.couriers[held.wave.channel]
    if held.guarantee != "query_then_send":
        return await courier.hand(batch)
    whole = Handed()
    if held.claim.is_uncertain:
        whole = await courier.find(batch)
        missing, whole.refused = set(whole.refused), []
        batch = replace(batch, letters=[one for one in batch.letters if one.row in missing])
    # A process that stood still past its lease is not to send what another has asked about since.
    if len(batch.letters) and await asyncio.to_thread(_is_ours, now, held.claim):
        whole.add(await courier.hand(batch))
    return whole


def _is_ours(now: _Round, claim: Claim) -> bool:
    with now.app.db.begin() as tx:
        return chunks.extend(tx, claim, database_now(tx) + LEASE)


def _letters(now: _Round, held: Held, rows: frozenset[int]) -> list[Letter]:
    file = _file(now, held.wave)
    return [letter for letter in file.chunk(held.claim.position) if letter.row in rows]


def _opened(now: _Round, letters: Sequence[Letter]) -> list[Letter]:
    opened = now.vault.open  # each built by hand: `replace` takes three times as long, and there are millions
    return [Letter(one.row, one.customer, one.cell, opened(one.address), one.text, one.subject) for one in letters]


def _file(now: _Round, wave: WaveRow) -> WaveFile:
    """The wave's file. AddressUnreadable where the key of its addresses is not here, before a chunk is claimed."""
    file = now.files.get(wave.id)
    if file is None:
        file = now.files[wave.id] = WaveFile(now.app.settings.data / wave.file, wave.variant)
        for letter in file.chunk(0)[:1]:
            now.vault.open(letter.address)
    return file


def _record(now: _Round, held: Held, letters: list[Letter], handed: Handed, worker: str) -> None:
    claim, at = held.claim, now.app.now()
    doubtful = dict.fromkeys(handed.unanswered, handed.error) if held.guarantee == "at_most_once" else {}
    if doubtful:
        handed = replace(handed, unanswered=[])
    paid = {*handed.taken, *doubtful}
    segments = sum(segments_of(held.wave.channel, letter.text) for letter in letters if letter.row in paid)
    with now.app.db.begin() as tx:
        waves.lock(tx, claim.wave)
        if handed.is_whole and held.later:
            again = database_now(tx) + permits.until_tomorrow(at, now.app.settings.zone)
            ours = chunks.give_back(tx, claim, available_at=again, error=EACH_FULL, is_uncertain=False)
        elif handed.is_whole:
            ours = chunks.close(tx, claim)
        else:
            later = database_now(tx) + pacing.backoff(claim.attempts, handed.asked)
            doubt = claim.is_uncertain or bool(handed.unanswered)
            error = f"{worker}: {handed.error}"
            ours = chunks.give_back(tx, claim, available_at=later, error=error, is_uncertain=doubt)
        if not ours:
            return  # the lease ended meanwhile; who holds the chunk now sends the same ids and records them
        if held.is_capped:
            permit_rows.release(tx, claim.wave, _surely_not_sent(held, letters, handed))
        if handed.rejected:
            ledger.settle(tx, claim.wave, _without_addresses(handed.rejected, letters), state="failed", at=at)
        if handed.gone:
            mailboxes.gone(now.app, tx, [one.customer for one in letters if one.row in handed.gone])
        if doubtful:
            ledger.settle(tx, claim.wave, doubtful, state="unknown", at=at)
        if handed.is_whole and not held.later:
            ledger.mark_sent(tx, claim.wave, claim.first, claim.last, at=at)
        elif handed.taken:
            ledger.mark_rows_sent(tx, claim.wave, handed.taken, at=at)
        if held.wave.account:
            # Whoever was to have it from an attempt that nobody knows the end of may have been sent to.
            known = not handed.unanswered and not (claim.is_uncertain and (held.barred or not handed.is_whole))
            spending.settle(now.app, tx, held.wave, claim, paid=segments, all_known=known)
        if held.wave.channel == Call.name:
            calls.place(tx, claim.wave, at=at)
        if segments:
            waves.add_segments(tx, claim.wave, segments, day=at.astimezone(now.app.settings.zone).date())
    _count(now.progress, held, handed, len(doubtful))


def _surely_not_sent(held: Held, letters: list[Letter], handed: Handed) -> list[str]:
    """The customers whose contacts are given back. What may have been sent stays held until somebody knows."""
    in_doubt = held.claim.is_uncertain or bool(handed.unanswered)
    rows = handed.rejected.keys() | (set() if in_doubt else set(handed.refused))
    return sorted(one.customer for one in letters if one.row in rows)


def _without_addresses(reasons: Mapping[int, str], letters: Sequence[Letter]) -> dict[int, str]:
    """Why the gateway refused each; some say the number in full, which the ledger is not to keep."""
    addresses = {letter.row: letter.address for letter in letters if letter.address}
    return {
        row: reason.replace(addresses[row], masked(addresses[row])) if row in addresses else reason
        for row, reason in reasons.items()
    }


def _count(progress: Progress, held: Held, handed: Handed, doubtful: int) -> None:
    progress.chunks += 1
    progress.sent += len(handed.taken)
    progress.failed += len(handed.rejected)
    progress.suppressed += held.barred
    progress.unknown += doubtful
    progress.returned += len(handed.refused) + len(handed.unanswered)
    progress.error = handed.error or progress.error
