"""Inboxes show what was addressed to a person; lists show what a person may see."""

import pytest
import sqlalchemy as sa

from engine.store import inbox, people, phrases, visibility
from engine.store.session import Database
from engine.store.tables import tasks
from tests.store.by_hand import NOON, approve, open_case, submit
from tests.store.test_store_people import settle


@pytest.mark.tampers
def test_each_list_has_its_rows_and_true_counts(db: Database) -> None:
    for n in range(25):
        open_case(db, f"c{n}")
        submit(db, f"c{n}", people=("wang",))
    for n in range(3):
        approve(db, "wang", f"c{n}")
    with db.begin() as tx:
        tx.execute(sa.update(tasks).where(tasks.c.case_id == "c9").values(verb="copy"))
        tx.execute(sa.update(tasks).where(tasks.c.case_id == "c8").values(due_at=None))
        tx.execute(sa.update(tasks).where(tasks.c.case_id == "c7").values(due_at=NOON))
    with db.read() as tx:
        assert inbox.counts(tx, "wang") == {"to_do": 21, "done": 3, "copied": 1, "mine": 0, "unread": 1}
        assert inbox.counts(tx, "li") == {"to_do": 0, "done": 0, "copied": 0, "mine": 25, "unread": 0}
        to_do = inbox.to_do(tx, "wang")
        assert len(to_do) == 20
        assert to_do[0].case_id == "c7"
        assert inbox.to_do(tx, "wang", limit=99)[-1].case_id == "c8"
        assert {row.case_id for row in inbox.done(tx, "wang")} == {"c0", "c1", "c2"}
        assert [row.case_id for row in inbox.copied(tx, "wang")] == ["c9"]
        assert len(inbox.mine(tx, "li")) == 20
        assert (to_do[0].case.title, to_do[0].case.submitter, to_do[0].case.process.name) == (
            "Case c7",
            "li",
            "telecom",
        )


def test_one_task_is_found_with_its_case(db: Database) -> None:
    open_case(db)
    submit(db)
    with db.read() as tx:
        found = inbox.find_task(tx, "c1-2-0")
        assert found is not None and (found.person, found.case.number) == ("wang", "430102-2026-00001")
        assert inbox.find_task(tx, "c1-2-9") is None


def test_a_case_is_visible_to_those_who_have_to_do_with_it(db: Database) -> None:
    settle(db)
    open_case(db, "c1")  # its offices: the county alone
    open_case(db, "c2", submitter="sun", office="430103")
    with db.read() as tx:
        seen = {
            person: [case for case in ("c1", "c2") if visibility.may_see(tx, person, case)]
            for person in ("li", "wang", "chen", "ma", "sun", "nobody")
        }
    assert seen == {"li": ["c1"], "wang": ["c1"], "chen": [], "ma": ["c1", "c2"], "sun": ["c2"], "nobody": []}
    submit(db, "c1", people=("chen",))
    with db.begin() as tx:
        assert visibility.may_see(tx, "chen", "c1")
        assert not visibility.may_see(tx, "chen", "unknown")
        people.set_active(tx, "ma", active=False)
        assert not visibility.may_see(tx, "ma", "c1")


def test_a_list_is_limited_to_what_is_visible_and_asked_for(db: Database) -> None:
    settle(db)
    open_case(db, "c1")
    open_case(db, "c2", submitter="sun", office="430103")
    submit(db, "c1")
    with db.read() as tx:
        assert [line.id for line in visibility.listed(tx, "li")] == ["c1"]
        assert {line.id for line in visibility.listed(tx, "ma")} == {"c1", "c2"}
        assert [line.id for line in visibility.listed(tx, "ma", state="draft")] == ["c2"]
        assert [line.id for line in visibility.listed(tx, "ma", query="430102-2026-00001")] == ["c1"]
        assert [line.id for line in visibility.listed(tx, "ma", query="CASE C2")] == ["c2"]
        assert visibility.listed(tx, "ma", query="%") == ()
        assert visibility.listed(tx, "chen") == ()


@pytest.mark.tampers
def test_a_list_goes_on_behind_a_row_also_among_those_without_a_time(db: Database) -> None:
    for n in range(7):
        open_case(db, f"c{n}")
        submit(db, f"c{n}", people=("wang",))
    with db.begin() as tx:
        tx.execute(sa.update(tasks).where(tasks.c.case_id.in_(("c2", "c4", "c5"))).values(due_at=None))
    with db.read() as tx:
        whole = inbox.to_do(tx, "wang")
        seen = []
        after: inbox.Key | None = None
        while found := inbox.to_do(tx, "wang", 2, after=after):
            seen += found
            after = (found[-1].due_at, found[-1].opened_at, found[-1].id)
        assert [row.id for row in seen] == [row.id for row in whole]
        assert [row.case_id for row in whole][-3:] == ["c2", "c4", "c5"]
        narrowed = inbox.to_do(tx, "wang", wanted=inbox.Wanted(text="CASE C3", definition="telecom"))
        assert [row.case_id for row in narrowed] == ["c3"]
        assert inbox.to_do(tx, "wang", wanted=inbox.Wanted(office="999999")) == ()
        kinds, offices = inbox.among(tx, "wang", "to_do")
        assert ([kind.name for kind in kinds], offices) == (["telecom"], ("430102",))


def test_phrases_are_kept_in_their_order_and_for_their_person_alone(db: Database) -> None:
    settle(db)
    with db.begin() as tx:
        phrases.replace(tx, "wang", ("同意。", "Agreed."))
        phrases.replace(tx, "wang", ("Agreed.", "同意。"))
    with db.read() as tx:
        assert phrases.load(tx, "wang") == ("Agreed.", "同意。")
        assert phrases.load(tx, "li") == ()
