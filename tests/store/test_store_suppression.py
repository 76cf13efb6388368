"""Suppression lists: in force from the moment of the entry, for a channel or for all, until they end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from engine.errors import InvalidFile
from engine.store import suppression
from engine.store.session import Database
from engine.store.suppression import Suppression

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def put(db: Database, *entries: Suppression, at: datetime = NOW) -> None:
    with db.begin() as tx:
        suppression.add(tx, entries, by="wangmin", at=at)


def asked(db: Database, *customers: str, at: datetime = NOW, channel: str = "") -> set[str]:
    with db.read() as tx:
        return suppression.suppressed(tx, customers, at, channel=channel)


def test_a_chunk_of_customers_is_asked_about_at_once(db: Database) -> None:
    put(db, *(Suppression("black", f"C{n}", "opt-out") for n in range(0, 2000, 2)))
    everyone = [f"C{n}" for n in range(2000)]
    assert asked(db, *everyone) == set(everyone[::2])


def test_an_entry_holds_for_its_channel_or_for_all(db: Database) -> None:
    put(db, Suppression("black", "a", "opt-out"), Suppression("grey", "b", "complaint", channel="sms"))
    assert asked(db, "a", "b", "c", channel="sms") == {"a", "b"}
    assert asked(db, "a", "b", "c", channel="email") == {"a"}
    assert asked(db, "a", "b", "c") == {"a", "b"}


def test_an_entry_ends_at_its_time_and_when_somebody_ends_it(db: Database) -> None:
    put(db, Suppression("grey", "a", "complaint", expires_at=NOW + DAY), Suppression("black", "b", "opt-out"))
    with db.begin() as tx:
        assert suppression.expire(tx, "black", "b", at=NOW + 2 * DAY)
        assert not suppression.expire(tx, "black", "nobody", at=NOW)
    assert asked(db, "a", "b", at=NOW) == {"a", "b"}
    assert asked(db, "a", "b", at=NOW + DAY) == {"b"}
    assert asked(db, "a", "b", at=NOW + 2 * DAY) == set()


def test_a_customer_added_again_is_there_once_with_the_newer_reason(db: Database, tmp_path: Path) -> None:
    put(db, Suppression("black", "a", "opt-out", expires_at=NOW + DAY))
    put(db, Suppression("black", "a", "regulator"), at=NOW + DAY)
    with db.read() as tx:
        assert suppression.snapshot(tx, "black", tmp_path / "black.parquet", at=NOW + 9 * DAY) == 1
    assert pq.read_table(tmp_path / "black.parquet")["reason"].to_pylist() == ["regulator"]


def test_a_snapshot_holds_one_list_as_of_a_time_in_order(db: Database, tmp_path: Path) -> None:
    put(db, Suppression("black", "b", "x"), Suppression("black", "a", "y"), Suppression("grey", "c", "z"))
    put(db, Suppression("black", "later", "x"), at=NOW + DAY)
    with db.read() as tx:
        suppression.snapshot(tx, "black", tmp_path / "one.parquet", at=NOW)
        suppression.snapshot(tx, "black", tmp_path / "two.parquet", at=NOW)
        assert suppression.snapshot(tx, "grey", tmp_path / "none.parquet", at=NOW - DAY) == 0
    assert pq.read_table(tmp_path / "one.parquet")["customer"].to_pylist() == ["a", "b"]
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_an_entry_without_a_reason_is_refused(db: Database) -> None:
    with pytest.raises(InvalidFile, match="reason"):
        put(db, Suppression("black", "a", ""))
    assert asked(db, "a") == set()
