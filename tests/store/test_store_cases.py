"""Cases are moved in one transaction: everything or nothing, once per key."""

import threading
from collections.abc import Callable

import msgspec
import pytest
import sqlalchemy as sa

from engine.errors import AlreadyDecided, NotFound
from engine.machine.case import Case
from engine.machine.commands import Edit
from engine.machine.outcome import FormSaved, Outcome
from engine.store import cases, history
from engine.store.cases import Locked, Recorded
from engine.store.rows import Decided
from engine.store.session import Database
from engine.store.tables import case_offices, idempotency, outbox, tasks, timers
from engine.store.tables import cases as case_table
from tests.store.by_hand import NOON, approve, edit, open_case, submit


def rows(db: Database, table: sa.Table) -> list[sa.RowMapping]:
    with db.read() as tx:
        return list(tx.execute(sa.select(table)).mappings())


def loaded(db: Database, case_id: str = "c1") -> Case:
    with db.read() as tx:
        return cases.load(tx, case_id)


def test_a_transition_writes_state_tasks_timers_history_and_outbox(db: Database) -> None:
    open_case(db)
    recorded = submit(db, people=("wang", "chen"), key="s1")
    assert recorded.seq == 2 and not recorded.repeated
    assert loaded(db) == recorded.case
    assert [(row["person"], row["state"]) for row in rows(db, tasks)] == [("wang", "open"), ("chen", "open")]
    assert [(row["key"], row["state"]) for row in rows(db, timers)] == [("c1:2:late", "armed")]
    assert [(row["key"], row["kind"], row["state"]) for row in rows(db, outbox)] == [
        ("c1:2:0", "NotifyTask", "pending"),
        ("c1:2:1", "NotifyTask", "pending"),
    ]
    approve(db, "chen")
    assert {row["person"]: (row["state"], row["decision"]) for row in rows(db, tasks)} == {
        "wang": ("cancelled", None),
        "chen": ("decided", "approve"),
    }
    assert [row["state"] for row in rows(db, timers)] == ["disarmed"]
    with db.read() as tx:
        entries = history.load(tx, "c1")
        assert [(entry.seq, entry.kind, entry.actor) for entry in entries] == [
            (1, "Create", "li"),
            (2, "Submit", "li"),
            (3, "Decide", "chen"),
        ]
        assert entries[1].events == recorded.events
        assert history.verify(tx, "c1") is None


def test_times_come_back_aware_and_as_written(db: Database) -> None:
    open_case(db)
    submit(db)
    assert loaded(db).tasks[0].opened_at == NOON
    with db.read() as tx:
        assert tx.execute(sa.select(tasks.c.opened_at)).scalar_one() == NOON
        assert history.load(tx, "c1")[1].at == NOON


def test_a_repeated_key_returns_the_earlier_result_and_writes_nothing(db: Database) -> None:
    open_case(db)
    first = submit(db, key="s1")
    again = submit(db, key="s1")
    assert (again.seq, again.repeated, again.events) == (first.seq, True, ())
    approve(db, "wang", key="d1")
    late = approve(db, "wang", key="d1")
    assert (late.seq, late.repeated, late.case.state) == (3, True, "approved")
    with pytest.raises(AlreadyDecided):
        approve(db, "wang", key="d2")
    assert len(rows(db, idempotency)) == 2
    assert loaded(db).seq == 3


def test_a_key_belongs_to_its_case(db: Database) -> None:
    for case_id in ("c1", "c2"):
        open_case(db, case_id)
        assert not submit(db, case_id, key="same").repeated
    long = "k" * 300
    assert not edit(db, "c1", title="x", key=long).repeated
    assert edit(db, "c1", title="x", key=long).repeated


def test_a_repeated_creation_returns_the_case_it_opened(db: Database) -> None:
    first = open_case(db, "c1", key="n1")
    again = open_case(db, "c2", key="n1")
    assert (again.case.id, again.repeated) == (first.case.id, True)
    assert len(rows(db, case_table)) == 1


def test_a_decision_that_fails_writes_nothing_and_returns_its_number(db: Database) -> None:
    open_case(db)

    def fail(locked: Locked) -> Decided:
        assert locked.next_number("430102", 2026) == 1
        raise AlreadyDecided(by="x", decision="y", at="z")

    with pytest.raises(AlreadyDecided):
        cases.transition(db, "c1", "k", fail)
    assert loaded(db).seq == 1
    assert submit(db).case.number == "430102-2026-00001"


def test_a_decision_without_events_records_nothing_and_returns_its_number(db: Database) -> None:
    open_case(db)
    nothing = edit(db, title="", number=True, key="k")
    assert (nothing.seq, nothing.events, nothing.repeated) == (1, (), False)
    assert rows(db, idempotency) == []
    assert submit(db).case.number == "430102-2026-00001"


def test_a_case_decided_for_another_entry_is_refused(db: Database) -> None:
    open_case(db)

    def stale(locked: Locked) -> Decided:
        moved = msgspec.structs.replace(locked.case, seq=9)
        return Decided(Edit(actor="li", form={}), Outcome(moved, (FormSaved({}, "li"),)))

    with pytest.raises(ValueError, match="entry 9"):
        cases.transition(db, "c1", "", stale)
    assert loaded(db).seq == 1


def test_an_unknown_case_is_not_found(db: Database) -> None:
    with pytest.raises(NotFound):
        submit(db, "nobody")
    with pytest.raises(NotFound):
        loaded(db, "nobody")
    open_case(db)
    assert submit(db).seq == 2  # the connection is fit for the next one


def test_the_index_columns_and_offices_follow_an_edit(db: Database) -> None:
    open_case(db)
    edit(db, title="5G 升级")
    (row,) = rows(db, case_table)
    assert (row["title"], row["confidential"], row["seq"]) == ("5G 升级", True, 2)
    assert sorted(each["office"] for each in rows(db, case_offices)) == ["43", "4301"]


def test_the_same_key_at_once_records_once_and_everyone_gets_the_same_result(db: Database) -> None:
    open_case(db)
    results = at_once(16, lambda _n: edit(db, title="x", key="one"))
    assert {(each.seq, each.case.seq) for each in results} == {(2, 2)}
    assert sum(not each.repeated for each in results) == 1


def test_numbers_drawn_at_once_have_no_gap(db: Database) -> None:
    for n in range(16):
        open_case(db, f"c{n}")
    results = at_once(16, lambda n: submit(db, f"c{n}"))
    assert sorted(str(each.case.number) for each in results) == [f"430102-2026-{n:05}" for n in range(1, 17)]


def at_once(count: int, act: Callable[[int], Recorded]) -> list[Recorded]:
    results: list[Recorded] = []
    failures: list[BaseException] = []
    gate = threading.Barrier(count)

    def run(n: int) -> None:
        gate.wait()
        try:
            results.append(act(n))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    return results
