"""Amounts of submissions: who is near whom under a limit, exactly, and through the index."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store import amounts
from engine.store.session import Database
from engine.store.tables import cases, submitted_amounts
from tests.store.by_hand import NOON, PROCESS


def add(tx: Connection, case_id: str, amount: str, *, office: str = "4301", days: int = 0, state: str = "x") -> None:
    fixed = {"definition": PROCESS.name, "version": 1, "fingerprint": PROCESS.fingerprint, "submitter": "li"}
    at = NOON - timedelta(days=days)
    row = {"id": case_id, "office": office, "state": state, "round": 1, "seq": 1, "body": "", "head": ""}
    tx.execute(sa.insert(cases).values(**fixed, **row, created_at=at, updated_at=at))
    amounts.put(
        tx, case_id, definition=PROCESS.name, office=office, amount=Decimal(amount), at=at, flagged=case_id == "b"
    )


def near(tx: Connection, case_id: str = "new") -> amounts.Near:
    since = NOON - timedelta(days=30)
    of = {"definition": PROCESS.name, "office": "4301"}
    return amounts.near(tx, case_id, **of, since=since, lowest=Decimal("40000.00"), limit=Decimal("50000.00"))


@pytest.mark.tampers
def test_the_bounds_the_time_the_office_and_what_takes_no_effect_decide_who_is_near(db: Database) -> None:
    with db.begin() as tx:
        add(tx, "a", "40000.00", days=30)
        add(tx, "b", "50000.00", days=1)
        add(tx, "below", "39999.99")
        add(tx, "above", "50000.01")
        add(tx, "old", "45000", days=31)
        add(tx, "elsewhere", "45000", office="4302")
        for state in amounts.WITHOUT_EFFECT:
            add(tx, state, "45000", state=state)
    with db.read() as tx:
        assert near(tx) == amounts.Near(2, Decimal(90000), ("b", "a"))
        assert near(tx, "b") == amounts.Near(1, Decimal(40000), ("a",))
        assert amounts.flagged(tx, ("a", "b", "nothing")) == {"b"}
        assert amounts.flagged(tx, ()) == frozenset()
    with db.begin() as tx:
        of = {"definition": PROCESS.name, "office": "4301"}
        amounts.put(tx, "b", **of, amount=Decimal("0.07"), at=NOON, flagged=False)
    with db.read() as tx:
        assert near(tx).cases == ("a",)
        assert amounts.flagged(tx, ("b",)) == frozenset()


@pytest.mark.tampers
def test_a_window_is_looked_up_in_the_index(db: Database) -> None:
    with db.begin() as tx:
        for n in range(400):
            add(tx, f"c{n}", "45000", office=f"{4301 + n % 40}", days=n % 90)
        if db.dialect_name == "postgresql":
            tx.execute(sa.text("ANALYZE submitted_amounts"))
            tx.execute(sa.text("SET LOCAL enable_seqscan = off"))  # so small a table would be read whole
        wanted = sa.select(submitted_amounts.c.case_id).where(
            submitted_amounts.c.definition == PROCESS.name,
            submitted_amounts.c.office == "4301",
            submitted_amounts.c.at >= NOON - timedelta(days=30),
        )
        explain = "EXPLAIN QUERY PLAN " if db.dialect_name == "sqlite" else "EXPLAIN "
        text = str(wanted.compile(tx, compile_kwargs={"literal_binds": True}))
        plan = " ".join(str(row) for row in tx.execute(sa.text(explain + text)))
    assert "ix_submitted_amounts_definition_office_at" in plan
