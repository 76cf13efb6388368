"""Versions of the holdout, on both databases."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from engine.store.holdouts import HOLDOUTS
from engine.store.session import Database

NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)


def proposed(db: Database, share: str) -> int:
    with db.begin() as tx:
        HOLDOUTS.lock(tx)
        return HOLDOUTS.propose(tx, {"share": share, "salt": "s", "reason": "why"}, by="a", at=NOW)


def decided(db: Database, version: int, decision: str, at: datetime) -> bool:
    with db.begin() as tx:
        return HOLDOUTS.decide(tx, version, decision, by="b", at=at)


def test_a_version_holds_from_its_confirmation_until_the_next(db: Database) -> None:
    assert proposed(db, "0.05") == 1
    assert decided(db, 1, "confirmed", NOW + timedelta(hours=1))
    assert proposed(db, "0.1") == 2
    assert decided(db, 2, "refused", NOW + timedelta(hours=2))
    assert proposed(db, "0.025") == 3
    assert decided(db, 3, "confirmed", NOW + timedelta(hours=3))
    with db.read() as tx:
        held = [HOLDOUTS.in_force(tx, NOW + timedelta(hours=hours)) for hours in (0, 1, 2, 3, 900)]
        assert [row.version if row else 0 for row in held] == [0, 1, 1, 3, 3]
        assert [row.share for row in HOLDOUTS.history(tx)] == [Decimal("0.025"), Decimal("0.1"), Decimal("0.05")]


def test_a_decision_counts_once_and_two_proposals_never_wait_at_a_time(db: Database) -> None:
    proposed(db, "0.05")
    with pytest.raises(sa.exc.IntegrityError):
        proposed(db, "0.06")
    assert decided(db, 1, "confirmed", NOW) and not decided(db, 1, "refused", NOW)
