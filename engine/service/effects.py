"""Carries out what the machine decided: due timers become commands, outbox rows become actions and messages.

Every row is claimed as a lease, carried out outside any transaction, then marked. An action may run twice after a
crash, so each is idempotent: stages by their key, messages by theirs. What fails is tried again later and never stops
the others. Nothing is sent to anybody here: a mail server that hangs holds up no case.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import assert_never
from zlib import crc32

import structlog

from engine.errors import DatabaseUnavailable
from engine.machine.commands import TimerFired
from engine.machine.outcome import (
    Announce,
    BeginDelivery,
    CancelChild,
    Effect,
    Evaluate,
    HoldChild,
    HoldDelivery,
    NotifyOutcome,
    NotifyQuestion,
    NotifyTask,
    OpenChild,
    SelectAudience,
    TellParent,
)
from engine.service import (
    announcing,
    children,
    delivering,
    evaluating,
    messaging,
    noticing,
    restoring,
    running,
    selecting,
)
from engine.service.app import Countersign
from engine.service.keeping import kept
from engine.service.messaging import Notify
from engine.service.noticing import Notice  # noqa: F401  callers of `work` are given it
from engine.store import outbox, timers
from engine.store.batches import Move, transition_many
from engine.store.outbox import Claimed
from engine.store.timers import DueTimer

LEASE = timedelta(seconds=60)  # kept while the batch is carried out; so long nobody takes over from a dead process
BATCH = 20
TIMER_BATCH = 1000
TOGETHER = 100  # timers that fire in one transaction; longer ones keep people waiting for their case
LANES = 2  # one computes while the database writes for the other
PROMPT = (
    NotifyTask,
    NotifyQuestion,
    NotifyOutcome,
    Announce,
    SelectAudience,
    BeginDelivery,
    HoldDelivery,
    OpenChild,
    CancelChild,
    HoldChild,
    TellParent,
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Counts:
    """What one round of work did."""

    timers: int = 0
    effects: int = 0
    failed: int = 0
    messages: int = 0

    @property
    def any(self) -> bool:
        """Whether there was something to do, so that more may be waiting."""
        return bool(self.timers or self.effects or self.failed or self.messages)


def work(app: Countersign, notify: Notify) -> Counts:
    """Fire what is due, carry out what is pending and send by `notify` what may go, one batch of each. Safe from
    several processes at once.

    Evaluations are left to `evaluate_due`, so that no notice waits for a long computation. In a database that was
    restored nothing happens until sending is released.
    """
    if not restoring.may_send(app):
        return Counts()
    fired = fire_timers(app)
    done, failed = _carry_out(app, PROMPT)
    sent, unsent = messaging.send_due(app, notify)
    return Counts(timers=fired, effects=done, failed=failed + unsent, messages=sent)


def evaluate_due(app: Countersign) -> Counts:
    """Compute the evaluations that are due."""
    done, failed = _carry_out(app, (Evaluate,))
    return Counts(effects=done, failed=failed)


def _carry_out(app: Countersign, kinds: tuple[type[Effect], ...]) -> tuple[int, int]:
    with app.db.begin() as tx:
        claimed = outbox.claim(tx, kinds, limit=BATCH, seconds=LEASE.total_seconds())
    failed, left = 0, list(claimed)

    def extend() -> None:
        with app.db.begin() as tx:
            for one in left[:]:
                outbox.extend(tx, one, LEASE.total_seconds())

    if claimed:
        with kept(extend, lease=LEASE):
            for one in claimed:
                failed += not _settled(app, one)
                left.remove(one)
    return len(claimed) - failed, failed


def fire_timers(app: Countersign) -> int:
    """Turn every due timer into its command; one that is no longer armed changes nothing. Returns how many."""
    with app.db.begin() as tx:
        due = timers.claim(tx, app.now(), limit=TIMER_BATCH)
    if len(due) <= TOGETHER:
        _fire_in_turn(app, due)
        return len(due)
    # The timers of a case stay in one lane, so that they fire in the order in which they were due.
    lanes = [[timer for timer in due if crc32(timer.case_id.encode()) % LANES == lane] for lane in range(LANES)]
    with ThreadPoolExecutor(LANES) as pool:
        list(pool.map(partial(_fire_in_turn, app), lanes))
    return len(due)


def _fire_in_turn(app: Countersign, due: Sequence[DueTimer]) -> None:
    for one in range(0, len(due), TOGETHER):
        _fire_all(app, due[one : one + TOGETHER])


def _fire_all(app: Countersign, due: Sequence[DueTimer]) -> None:
    """One timer of each case together; one by one what is left, and all of them where one spoilt that. Whatever one
    fails with, it stops no other: its lease has it tried again later."""
    first = {timer.case_id: timer for timer in reversed(due)}
    try:
        fired = transition_many(app.db, [_move(app, timer) for timer in first.values()])
    except DatabaseUnavailable:
        raise
    except Exception as error:
        log.warning("timers_alone", timers=len(first), error=str(error))
        fired = {}
    for timer in due:
        if timer.case_id in fired and first[timer.case_id] is timer:
            continue
        try:
            _fire(app, timer)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            log.warning("timer_failed", case=timer.case_id, timer=timer.name, error=str(error))


def _move(app: Countersign, timer: DueTimer) -> Move:
    return Move(timer.case_id, _key(timer), lambda locked: running.decide(app, locked, _command(timer)))


def _fire(app: Countersign, timer: DueTimer) -> None:
    recorded = running.carry_out(app, timer.case_id, _command(timer), key=_key(timer))
    if not recorded.events:
        with app.db.begin() as tx:
            timers.settle(tx, timer)


def _command(timer: DueTimer) -> TimerFired:
    return TimerFired(actor="system", via="timer", key=timer.key, name=timer.name, step=timer.step)


def _key(timer: DueTimer) -> str:
    return f"timer:{timer.key}"


def _settled(app: Countersign, claimed: Claimed) -> bool:
    """Carry one effect out and mark it; False when it has to be tried again."""
    try:
        _act(app, claimed)
    except Exception as error:
        log.warning("effect_failed", case=claimed.case_id, effect=type(claimed.effect).__name__, error=str(error))
        with app.db.begin() as tx:
            if outbox.failed(tx, claimed, str(error)[:1000]):
                log.error("effect_given_up", case=claimed.case_id, effect=type(claimed.effect).__name__)
        return False
    with app.db.begin() as tx:
        outbox.done(tx, claimed)
    return True


def _act(app: Countersign, claimed: Claimed) -> None:
    effect, case_id, key = claimed.effect, claimed.case_id, f"effect:{claimed.key}"
    match effect:
        case SelectAudience():
            selecting.freeze_audience(app, case_id, key)
        case BeginDelivery():
            delivering.begin(app, case_id)
        case HoldDelivery():
            delivering.hold(app, case_id, effect.action)
        case Evaluate():
            evaluating.evaluate(app, case_id, effect.label, effect.last, key)
        case NotifyTask() | NotifyQuestion() | NotifyOutcome():
            noticing.queue(app, claimed, effect)
        case Announce():
            announcing.queue(app, claimed, effect)
        case OpenChild():
            children.open_child(app, effect, key)
        case CancelChild():
            children.cancel_child(app, effect, key)
        case HoldChild():
            children.hold_child(app, case_id, effect, key)
        case TellParent():
            children.tell_parent(app, case_id, effect, key)
        case _:
            assert_never(effect)
