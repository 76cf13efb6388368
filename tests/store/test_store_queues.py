"""Timers and effects are handed out once at a time, fenced, and tried again."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.machine.case import Timer
from engine.machine.commands import TimerFired
from engine.machine.evolve import fold
from engine.machine.outcome import NotifyTask, Outcome, TimerDisarmed
from engine.store import cases, outbox, timers
from engine.store.cases import Locked
from engine.store.rows import Decided
from engine.store.session import Database
from engine.store.tables import outbox as outbox_table
from engine.store.tables import timers as timer_table
from tests.store.by_hand import NOON, open_case, submit

LATER = NOON + timedelta(days=4)


def test_a_timer_is_due_by_business_time_and_held_by_one(db: Database) -> None:
    open_case(db)
    submit(db)
    with db.begin() as tx:
        assert timers.claim(tx, NOON) == ()
        (timer,) = timers.claim(tx, LATER)
        assert (timer.key, timer.case_id, timer.name, timer.step) == ("c1:2:late", "c1", "late", "head")
        assert timers.claim(tx, LATER) == ()
        assert timers.next_due(tx) == NOON + timedelta(days=3)


def test_a_transition_by_a_timer_settles_it(db: Database) -> None:
    open_case(db)
    submit(db)
    with db.begin() as tx:
        (timer,) = timers.claim(tx, LATER)

    def fire(locked: Locked) -> Decided:
        events = (TimerDisarmed(timer.key),)
        command = TimerFired(actor="system", via="timer", key=timer.key, name=timer.name)
        return Decided(command, Outcome(fold(locked.case, events, LATER), events, at=LATER))

    cases.transition(db, "c1", timer.key, fire)
    with db.begin() as tx:
        assert tx.execute(sa.select(timer_table.c.state)).scalar_one() == "fired"
        assert not timers.settle(tx, timer)


@pytest.mark.tampers
def test_a_timer_whose_holder_died_comes_back_and_fences_the_first(db: Database) -> None:
    open_case(db)
    submit(db)
    with db.begin() as tx:
        (first,) = timers.claim(tx, LATER, seconds=0)
    with db.begin() as tx:
        (second,) = timers.claim(tx, LATER)
        assert second.fence == first.fence + 1
        assert not timers.settle(tx, first)
        assert timers.settle(tx, second)
        assert timers.next_due(tx) is None


def test_an_effect_is_read_back_and_done_once(db: Database) -> None:
    open_case(db)
    submit(db)
    with db.begin() as tx:
        (claimed,) = outbox.claim(tx)
        assert claimed.effect == NotifyTask("wang", "c1-2-0")
        assert outbox.claim(tx) == ()
        assert outbox.extend(tx, claimed)
        assert outbox.done(tx, claimed)
        assert not outbox.done(tx, claimed)
        assert outbox.next_available(tx) is None


def test_a_failed_effect_waits_longer_each_time_and_is_given_up(db: Database) -> None:
    open_case(db)
    submit(db)
    pauses = []
    for attempt in range(1, outbox.ATTEMPTS + 1):
        with db.begin() as tx:
            (claimed,) = outbox.claim(tx)
            assert claimed.attempts == attempt
            before = db.now(tx)
            given_up = outbox.failed(tx, claimed, "the mail server does not answer")
            pauses.append((outbox.next_available(tx) or before) - before)
            tx.execute(sa.update(outbox_table).values(available_at=NOON))
        assert given_up == (attempt == outbox.ATTEMPTS)
    assert [round(pause.total_seconds()) for pause in pauses[:4]] == [2, 4, 8, 16]
    assert max(pauses) <= outbox.LONGEST_PAUSE + timedelta(seconds=1)
    with db.begin() as tx:
        assert outbox.claim(tx) == ()
        assert tx.execute(sa.select(outbox_table.c.state, outbox_table.c.error)).one()[0] == "dead"
        assert outbox.revive(tx, claimed.key)
        assert outbox.claim(tx)[0].attempts == 1


def test_workers_at_once_share_the_effects_without_overlap(db: Database) -> None:
    with db.begin() as tx:
        rows = [
            {"key": f"k{n:03}", "case_id": "c", "kind": "NotifyTask", "state": "pending", "available_at": NOON}
            | {"body": '{"type":"NotifyTask","person":"wang","task":"t"}'}
            for n in range(200)
        ]
        tx.execute(sa.insert(outbox_table), rows)
    taken: list[str] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while True:
                with db.begin() as tx:
                    claimed = outbox.claim(tx, limit=7)
                if not claimed:
                    return
                taken.extend(each.key for each in claimed)
                with db.begin() as tx:
                    assert all(outbox.done(tx, each) for each in claimed)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(taken) == [f"k{n:03}" for n in range(200)]


@pytest.mark.parametrize("count", [1500])
@pytest.mark.tampers
def test_many_due_timers_come_in_batches_earliest_first(db: Database, count: int) -> None:
    open_case(db)
    with db.begin() as tx:
        rows = [Timer(f"k{n:05}", "late", NOON + timedelta(seconds=n)) for n in range(count)]
        tx.execute(
            sa.insert(timer_table),
            [{"key": row.key, "case_id": "c1", "name": "late", "due_at": row.due_at, "state": "armed"} for row in rows],
        )
    with db.begin() as tx:
        first, second = timers.claim(tx, LATER), timers.claim(tx, LATER)
    assert [timer.key for timer in (*first, *second)] == [f"k{n:05}" for n in range(count)]
    assert (len(first), len(second)) == (1000, 500)
