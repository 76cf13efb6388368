"""Cases moved together: what can be recorded is recorded as if alone, and what cannot is left whole for its own try."""

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from engine.store import cases, history
from engine.store.batches import Move, transition_many
from engine.store.numbering import next_number
from engine.store.rows import Decided
from engine.store.session import Database
from engine.store.tables import idempotency
from engine.store.tables import tasks as task_table
from tests.invariants import check_invariants
from tests.store.by_hand import approve, approving, open_case, submit

NAMES = ("c1", "c2", "c3")


@pytest.fixture
def pg(pg_url: str) -> Iterator[Database]:
    """Three cases that wait for a decision, on PostgreSQL: only there batches are made."""
    opened = Database(pg_url)
    for name in NAMES:
        open_case(opened, name)
        submit(opened, name)
    yield opened
    check_invariants(opened)
    opened.close()


def moves(*names: str) -> list[Move]:
    return [Move(name, f"go:{name}", approving("wang")) for name in names]


def states(pg: Database) -> dict[str, tuple[str, int]]:
    with pg.read() as tx:
        found = {name: cases.load(tx, name) for name in NAMES}
    return {name: (case.state, case.seq) for name, case in found.items()}


def test_a_batch_records_what_single_transitions_would(pg: Database) -> None:
    done = transition_many(pg, moves("c1", "c2"))
    approve(pg, "wang", "c3", key="go:c3")
    assert set(done) == {"c1", "c2"}
    assert states(pg) == dict.fromkeys(NAMES, ("approved", 3))
    with pg.read() as tx:
        assert [history.verify(tx, name) for name in NAMES] == [None] * 3
        rows = tx.execute(sa.select(task_table.c.case_id, task_table.c.state).order_by(task_table.c.case_id)).all()
        assert [tuple(row) for row in rows] == [(name, "decided") for name in NAMES]
        assert tx.execute(sa.select(sa.func.count()).select_from(idempotency)).scalar_one() == 3


def test_a_key_that_was_used_and_a_case_that_refuses_are_left_out(pg: Database) -> None:
    approve(pg, "wang", "c1", key="go:c1")
    approve(pg, "wang", "c2", key="another")
    assert set(transition_many(pg, [*moves(*NAMES), *moves("nowhere")])) == {"c3"}
    assert states(pg) == dict.fromkeys(NAMES, ("approved", 3))


def test_what_draws_a_number_is_left_for_a_transaction_of_its_own(pg: Database) -> None:
    def drawing(locked: cases.Locked) -> Decided:
        locked.next_number("city", 2026)
        return approving("wang")(locked)

    assert set(transition_many(pg, [Move("c1", "go:c1", drawing), *moves("c2", "c3")])) == {"c2", "c3"}
    assert states(pg)["c1"] == ("approving", 2)
    cases.transition(pg, "c1", "go:c1", drawing)
    with pg.begin() as tx:
        assert next_number(tx, "city", 2026) == 2


def test_a_case_that_somebody_holds_is_left_to_them(pg: Database) -> None:
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with pg.begin() as tx:
            tx.execute(sa.text("SELECT 1 FROM cases WHERE id = 'c2' FOR UPDATE"))
            held.set()
            assert free.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(10)
        assert set(transition_many(pg, moves(*NAMES))) == {"c1", "c3"}
    finally:
        free.set()
        holder.join()
    assert states(pg)["c2"] == ("approving", 2)


def test_a_batch_of_refused_commands_leaves_the_connection_fit(pg: Database) -> None:
    approve(pg, "wang", "c1", key="before")
    assert transition_many(pg, moves("c1")) == {}
    assert set(transition_many(pg, moves("c2"))) == {"c2"}


def test_sqlite_moves_each_case_by_itself(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    open_case(db)
    submit(db)
    assert transition_many(db, moves("c1")) == {}
    db.close()
