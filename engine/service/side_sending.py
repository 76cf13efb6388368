"""Sends letters beside the audience, as their channel promises: proofs at once, messages to seeds with their wave.

A claim is a lease and a letter has the same id on every try, so that a kill costs what it costs a customer's message.
Whether a seed still holds, is barred, and what it costs is asked right before. Refuses to keep a wave waiting: what a
gateway does not take goes again later, by a way out of its own.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from engine.delivery import pacing
from engine.delivery.channels import Guarantee
from engine.masking import masked
from engine.service import ending, forgotten, restoring, spending
from engine.service.app import Countersign
from engine.service.claiming import DOUBTFUL, INTERRUPTED, LEASE
from engine.service.couriers.courier import Batch, Courier
from engine.service.couriers.handed import Handed
from engine.service.couriers.opening import courier_of, guarantee_of
from engine.service.keeping import kept
from engine.service.sealing import vault
from engine.store import opt_outs, seeds, side_letters, suppression, waves
from engine.store.ledger import REJECTED, SUPPRESSED
from engine.store.session import database_now
from engine.store.side_letters import LetterState, SideLetter
from engine.store.waves import WaveRow
from engine.warehouse.wavefiles import Letter

ENDED = "the seed has ended"
NO_MONEY = "no budget left for seeds"
TOO_LATE = "not taken within a day"
GIVEN_UP = timedelta(days=1)

log = structlog.get_logger()


async def send_due(app: Countersign) -> int:
    """Send what is due; how many letters were claimed. A channel that is down is no error: they go later."""
    with app.db.read() as tx:
        due = side_letters.due(tx, database_now(tx))
    count = 0
    if due and restoring.may_send(app):
        for batch, channel, wave in due:
            count += await _send(app, batch, channel, wave)
    return count


async def _send(app: Countersign, batch: str, channel: str, wave: str) -> int:
    claimed = await asyncio.to_thread(_claimed, app, batch, channel, wave)
    if not claimed:
        return 0
    with kept(lambda: _extend(app, claimed), lease=LEASE):
        async with courier_of(channel, app.settings) as courier:
            handed = await _handed(app, courier, claimed, guarantee_of(channel, app.settings))
        await asyncio.to_thread(_record, app, claimed, handed)
    if handed.error:
        log.warning("side_letters_wait", batch=batch, channel=channel, error=handed.error)
    return len(claimed)


def end(app: Countersign, tx: Connection, wave: WaveRow, reason: str) -> None:
    """Send seeds nothing more of a wave that is cancelled or over; what may have reached one is unknown."""
    for letter in side_letters.waiting(tx, wave.id):
        state: LetterState = "unknown" if letter.doubtful else "suppressed"
        side_letters.end(tx, letter, state, reason=reason, at=app.now())
        if not letter.doubtful:
            spending.release_aside(app, tx, wave, letter)


def _extend(app: Countersign, claimed: Sequence[SideLetter]) -> None:
    with app.db.begin() as tx:
        side_letters.extend(tx, claimed, database_now(tx) + LEASE)


def _claimed(app: Countersign, batch: str, channel: str, wave_id: str) -> list[SideLetter]:
    """The letters to hand over now; those that may not go have got their end."""
    now = app.now()
    with app.db.begin() as tx:
        wave = waves.lock(tx, wave_id) if wave_id else None
        if wave is not None and not (
            pacing.is_open(wave.plan.hours, now, app.settings.zone) and not ending.is_over(app, wave, now)
        ):
            return []
        claimed = side_letters.claim(tx, batch, channel, database_now(tx), LEASE)
        asks_nobody = guarantee_of(channel, app.settings) == "at_most_once"
        left = []
        for letter in claimed:
            if letter.doubtful and asks_nobody:
                side_letters.settle(tx, letter, "unknown", at=now, reason=INTERRUPTED)
            else:
                left.append(letter)
        return _allowed(app, tx, wave, left) if wave is not None else left


def _allowed(app: Countersign, tx: Connection, wave: WaveRow, claimed: list[SideLetter]) -> list[SideLetter]:
    """Those of the letters whose seeds hold, are not barred, and are paid for."""
    now, box = app.now(), vault(app.settings)
    hold = seeds.holding(tx, [one.seed for one in claimed if one.seed is not None], now)
    out = opt_outs.among(tx, [one.address for one in claimed], wave.channel)
    left = []
    for letter in claimed:
        seed = hold.get(letter.seed) if letter.seed is not None else None
        why = ""
        if seed is None:
            why = ENDED
        else:
            known = [one for one in (seed.customer, box.open(letter.address)) if one]
            listed = suppression.suppressed(tx, known, now, channel=wave.channel)
            if letter.address in out or listed or forgotten.among(tx, box, known):
                why = DOUBTFUL if letter.doubtful else SUPPRESSED
        if why and letter.doubtful:
            side_letters.settle(tx, letter, "unknown", at=now, reason=why)
        elif why:
            side_letters.settle(tx, letter, "suppressed", at=now, reason=why)
            spending.release_aside(app, tx, wave, letter)
        elif not letter.held and not spending.hold_aside(app, tx, wave, letter):
            side_letters.settle(tx, letter, "suppressed", at=now, reason=NO_MONEY)
        else:
            left.append(letter)
    return left


async def _handed(app: Countersign, courier: Courier, claimed: Sequence[SideLetter], guarantee: Guarantee) -> Handed:
    box = vault(app.settings)
    letters = [
        Letter(
            one.row, one.person or "seed", one.cell, box.open(one.address) if one.address else "", one.text, one.subject
        )
        for one in claimed
    ]
    attempt = max(one.attempts for one in claimed)
    batch = Batch(claimed[0].batch, 0, letters, attempt=attempt)
    doubtful = {one.row for one in claimed if one.doubtful}
    if guarantee != "query_then_send" or not doubtful:
        return await courier.hand(batch)
    asked = await courier.find(replace(batch, letters=[one for one in letters if one.row in doubtful]))
    missing, asked.refused = set(asked.refused), []
    rest = [one for one in letters if one.row in missing or one.row not in doubtful]
    if rest:
        asked.add(await courier.hand(replace(batch, letters=rest)))
    return asked


def _record(app: Countersign, claimed: Sequence[SideLetter], handed: Handed) -> None:
    now, box = app.now(), vault(app.settings)
    taken, refused = set(handed.taken), set(handed.refused)
    with app.db.begin() as tx:
        wave = waves.lock(tx, claimed[0].wave) if claimed[0].wave else None
        for letter in claimed:
            if letter.row in taken:
                side_letters.settle(tx, letter, "sent", at=now)
            elif letter.row in handed.rejected:
                address = box.open(letter.address) if letter.address else ""
                why = handed.rejected[letter.row]
                _end(app, tx, wave, letter, REJECTED + (why.replace(address, masked(address)) if address else why))
            elif letter.row not in refused and guarantee_of(letter.channel, app.settings) == "at_most_once":
                side_letters.settle(tx, letter, "unknown", at=now, reason=handed.error)
            elif letter.row in refused and now - letter.asked_at > GIVEN_UP and not letter.doubtful and not letter.wave:
                _end(app, tx, wave, letter, REJECTED + TOO_LATE)
            else:
                later = database_now(tx) + pacing.backoff(letter.attempts, handed.asked)
                doubt = bool(letter.doubtful) or letter.row not in refused
                side_letters.give_back(tx, letter, available_at=later, reason=handed.error, doubtful=doubt)


def _end(app: Countersign, tx: Connection, wave: WaveRow | None, letter: SideLetter, reason: str) -> None:
    """It was surely not sent: what it would have cost is given back."""
    if side_letters.settle(tx, letter, "failed", at=app.now(), reason=reason) and wave is not None:
        spending.release_aside(app, tx, wave, letter)
