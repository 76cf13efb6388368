"""The ledger of a delivery, the same on both databases."""

import threading
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Literal

import pytest
import sqlalchemy as sa

from engine.store import ledger, parked, waves
from engine.store.ledger import Receipt
from engine.store.parked import Parked
from engine.store.session import Database
from tests.store.delivering_by_hand import CASE, NOW, WAVE, enter_wave, plan, states


def test_a_loaded_wave_waits_as_a_whole(db: Database) -> None:
    enter_wave(db, 25)
    with db.read() as tx:
        assert ledger.sums(tx, CASE) == {WAVE: ledger.Sums(waiting=25)}
        assert ledger.waiting(tx, WAVE, 20, 24)[24] == "k00024"


def test_names_with_quotes_commas_and_backslashes_are_loaded_as_they_are(db: Database) -> None:
    enter_wave(db, 0)
    odd = ['a,"b"', "a\\tb", "张三'); --", " spaced "]
    with db.begin() as tx:
        ledger.load(tx, WAVE, CASE, "sms", (ledger.Recipient(n, name, "") for n, name in enumerate(odd)))
    with db.read() as tx:
        assert list(ledger.waiting(tx, WAVE, 0, 9).values()) == odd


def test_who_has_no_address_has_failed_from_the_start_and_was_not_contacted(db: Database) -> None:
    enter_wave(db, 0)
    with db.begin() as tx:
        ledger.load(tx, WAVE, CASE, "sms", [ledger.Recipient(0, "k1", "base", unusable="no address")])
        assert ledger.sums(tx, CASE)[WAVE] == ledger.Sums(failed=1)
        assert list(ledger.contacts(tx, WAVE)) == []


def test_marking_a_chunk_settles_each_row_once(db: Database) -> None:
    enter_wave(db, 10)
    with db.begin() as tx:
        ledger.settle(tx, WAVE, {3: "not a number"}, state="failed", at=NOW)
        ledger.settle(tx, WAVE, {4: "black"}, state="suppressed", at=NOW)
        assert ledger.mark_sent(tx, WAVE, 0, 9, at=NOW) == 8
        assert ledger.mark_sent(tx, WAVE, 0, 9, at=NOW + timedelta(hours=1)) == 0
        sums = ledger.sums(tx, CASE)[WAVE]
    assert sums == ledger.Sums(sent=8, failed=1, suppressed=1)
    assert sums.audience == 10


def test_a_file_handed_over_is_delivered(db: Database) -> None:
    enter_wave(db, 3, channel="file")
    with db.begin() as tx:
        ledger.settle(tx, WAVE, {1: "black"}, state="suppressed", at=NOW)
        ledger.mark_sent(tx, WAVE, 0, 2, at=NOW)
        assert ledger.hand_over(tx, WAVE, at=NOW) == 2
    assert states(db) == ["delivered", "suppressed", "delivered"]


def _receipt(row: int, status: Literal["delivered", "failed"], minutes: int = 0) -> Receipt:
    return Receipt(WAVE, row, status, NOW + timedelta(minutes=minutes), "absent" if status == "failed" else "")


def test_receipts_may_come_twice_late_and_out_of_order(db: Database) -> None:
    enter_wave(db, 5)
    with db.begin() as tx:
        ledger.mark_sent(tx, WAVE, 0, 4, at=NOW)
        assert ledger.receive(tx, [_receipt(0, "delivered"), _receipt(0, "delivered", 1)]) == (1, ())
        assert ledger.receive(tx, [_receipt(0, "delivered")]) == (0, ())
        assert ledger.receive(tx, [_receipt(0, "failed", 9)]) == (0, ())
        assert ledger.receive(tx, [_receipt(1, "failed"), _receipt(2, "delivered")]) == (2, ())
        assert ledger.receive(tx, [_receipt(1, "delivered"), _receipt(1, "failed")]) == (1, ())
    assert states(db) == ["delivered", "delivered", "delivered", "sent", "sent"]


def test_a_receipt_faster_than_the_mark_stays(db: Database) -> None:
    enter_wave(db, 3)
    with db.begin() as tx:
        ledger.receive(tx, [_receipt(1, "delivered"), _receipt(2, "failed")])
        assert ledger.mark_sent(tx, WAVE, 0, 2, at=NOW) == 3
        assert [contact.sent_at for contact in ledger.contacts(tx, WAVE)] == [NOW] * 3
    assert states(db) == ["sent", "delivered", "failed"]


def test_the_receipt_of_an_unknown_message_is_told_apart_and_can_be_parked(db: Database) -> None:
    enter_wave(db, 1)
    with db.begin() as tx:
        _, strangers = ledger.receive(tx, [_receipt(7, "delivered"), Receipt("c9-w1", 0, "failed", NOW)])
        assert {(stranger.wave, stranger.row) for stranger in strangers} == {(WAVE, 7), ("c9-w1", 0)}
        parked.park(tx, [Parked("receipt", "r1", '{"id":"c9-w1.0"}', "no such message", "c9-w1")] * 2, NOW)
        assert tx.execute(sa.text("SELECT body, reason FROM parked_receipts")).one() == (
            '{"id":"c9-w1.0"}',
            "no such message",
        )


def test_without_a_receipt_in_time_it_is_unknown_until_one_comes(db: Database) -> None:
    enter_wave(db, 2)
    with db.begin() as tx:
        ledger.mark_sent(tx, WAVE, 0, 0, at=NOW)
        ledger.mark_sent(tx, WAVE, 1, 1, at=NOW + timedelta(hours=2))
        assert ledger.give_up(tx, WAVE, sent_before=NOW + timedelta(hours=1), at=NOW) == 1
        assert ledger.sums(tx, CASE)[WAVE] == ledger.Sums(unknown=1, sent=1)
        ledger.receive(tx, [_receipt(0, "delivered")])
        assert ledger.sums(tx, CASE)[WAVE] == ledger.Sums(delivered=1, sent=1)


def test_one_customer_gets_one_message_per_channel_and_case(db: Database) -> None:
    enter_wave(db, 1)
    with pytest.raises(Exception, match=r"(?i)unique"), db.begin() as tx:
        ledger.load(tx, "c1-w2", CASE, "sms", [ledger.Recipient(0, "k00000", "base")])


def test_complaints_are_counted_once_per_customer_of_the_wave(db: Database) -> None:
    enter_wave(db, 3)
    with db.begin() as tx:
        for reference, customer in [("1", "k00000"), ("2", "k00000"), ("3", "k00001"), ("4", "stranger")]:
            tx.execute(
                sa.text("INSERT INTO responses (case_id, customer, kind, reference, at) VALUES (:c, :k, :w, :r, :at)"),
                {"c": CASE, "k": customer, "w": "complaint", "r": reference, "at": NOW.isoformat()},
            )
        assert ledger.answers(tx, CASE, [WAVE]) == {"complaint": 2}


def test_a_wave_moves_only_from_the_states_that_are_named(db: Database) -> None:
    enter_wave(db, 1)
    with db.begin() as tx:
        assert not waves.move(tx, WAVE, to="running", come_from=("planned",))
        assert waves.move(tx, WAVE, to="gated", come_from=("running",), gate_until=NOW)
        assert waves.of_case(tx, CASE)[0].gate_until == NOW
        assert waves.running(tx) == ()


def test_entering_the_waves_again_changes_nothing(db: Database) -> None:
    planned = enter_wave(db, 4)
    with db.begin() as tx:
        before = waves.of_case(tx, CASE)
        waves.enter(tx, CASE, planned, PurePosixPath("elsewhere"))
        assert waves.of_case(tx, CASE) == before
        assert before[0].plan == plan().waves[0]
        assert before[0].file == "cases/c1/waves/1-main-sms.parquet"
        assert waves.cases_under_way(tx) == (CASE,)


def test_receipts_and_marks_at_once_lose_nothing_and_never_lock_each_other_out(db: Database) -> None:
    enter_wave(db, 600)
    failures: list[BaseException] = []

    def mark() -> None:
        for first in range(0, 600, 50):
            with db.begin() as tx:
                waves.lock(tx, WAVE)
                ledger.mark_sent(tx, WAVE, first, first + 49, at=NOW)

    def receive() -> None:
        for start in range(599, 0, -30):
            with db.begin() as tx:
                waves.lock(tx, WAVE)
                ledger.receive(tx, [_receipt(row, "delivered") for row in range(start, start - 30, -1)])

    def guarded(work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in (mark, receive, receive)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert states(db) == ["delivered"] * 600
