"""Chunks as leases with a fencing token, the same on both databases."""

from datetime import timedelta

from engine.store import chunks
from engine.store.session import Database, database_now
from tests.store.delivering_by_hand import WAVE, enter_wave

LEASE = timedelta(minutes=2)


def _claim(db: Database, *, ahead: timedelta = timedelta()) -> chunks.Claim | None:
    with db.begin() as tx:
        return chunks.claim(tx, WAVE, database_now(tx) + ahead, LEASE)


def test_two_workers_get_two_chunks_and_the_third_gets_none(db: Database) -> None:
    enter_wave(db, 15)
    first, second, third = _claim(db), _claim(db), _claim(db)
    assert first is not None and (first.first, first.last) == (0, 9)
    assert second is not None and (second.first, second.last) == (10, 14)
    assert third is None


def test_a_claimed_chunk_is_free_again_when_the_lease_ends_and_says_that_it_is_uncertain(db: Database) -> None:
    enter_wave(db, 10)
    late = _claim(db)
    assert late is not None and not late.is_uncertain
    fresh = _claim(db, ahead=LEASE * 2)
    assert fresh is not None and fresh.is_uncertain and fresh.fence == late.fence + 1
    with db.begin() as tx:
        assert not chunks.close(tx, late)
        assert not chunks.give_back(tx, late, available_at=database_now(tx), error="", is_uncertain=False)
        assert chunks.close(tx, fresh)
        assert chunks.count_open(tx, WAVE) == 0


def test_a_chunk_given_back_waits_until_its_time(db: Database) -> None:
    enter_wave(db, 10)
    claim = _claim(db)
    assert claim is not None
    with db.begin() as tx:
        later = database_now(tx) + timedelta(seconds=30)
        assert chunks.give_back(tx, claim, available_at=later, error="refused", is_uncertain=False)
    assert _claim(db) is None
    again = _claim(db, ahead=timedelta(seconds=31))
    assert again is not None and not again.is_uncertain and again.attempts == 2


def test_a_chunk_given_back_without_an_answer_stays_uncertain(db: Database) -> None:
    enter_wave(db, 10)
    claim = _claim(db)
    assert claim is not None
    with db.begin() as tx:
        chunks.give_back(tx, claim, available_at=database_now(tx), error="timeout", is_uncertain=True)
    again = _claim(db, ahead=timedelta(seconds=1))
    assert again is not None and again.is_uncertain
