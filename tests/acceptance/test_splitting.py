"""Several cases of one office just under a limit are told to who decides on the newest, on both databases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Barrier

import pytest

from engine import clock
from engine.machine.replay import replay
from engine.service import approvals, bulk, cases, operations, proposals
from engine.service.app import Countersign
from engine.service.operations import Door
from engine.service.views import SplittingView
from engine.store import cases as stored
from engine.store import history
from tests.acceptance.offices import PROPOSAL, key, opened, submitted, viewer
from tests.invariants import check_invariants


@pytest.fixture
def app(db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db_url, tmp_path) as application:
        yield application
        check_invariants(application.db)


def seen(app: Countersign, login: str, case_id: str) -> SplittingView | None:
    return cases.case_page(app, viewer(app, login), case_id).splitting


def decided(app: Countersign, login: str, case_id: str, form: dict[str, str] | None = None) -> None:
    """Have a person approve their task of a case, with what they change."""
    person = viewer(app, login)
    task = next(task.id for task in approvals.inbox(app, person).to_do if task.case.id == case_id)
    approvals.decide(app, person, task, "approve", remark="", seen_seq=None, key=key(), form=form)


def test_the_third_case_just_under_a_limit_is_flagged_with_the_others_and_their_sum(app: Countersign):
    first, far, second = submitted(app, budget="49000"), submitted(app, budget="30000"), submitted(app, budget="40000")
    over = submitted(app, budget="50000.01")
    third = submitted(app, budget="50000.00")
    assert [seen(app, "liguoqiang", one) for one in (first, far, second, over)] == [None] * 4
    found = seen(app, "liguoqiang", third)
    assert found is not None
    assert (found.count, found.limit, found.lowest, found.total) == (3, Decimal(50000), Decimal(40000), Decimal(139000))
    assert ({row.id for row in found.cases}, found.others) == ({first, second}, 0)
    assert found.label.zh == "预算"
    todo = {task.case.id: task for task in approvals.inbox(app, viewer(app, "liguoqiang")).to_do}
    assert [one for one, task in todo.items() if "splitting" in task.flags] == [third]
    sheet = approvals.sheet(app, viewer(app, "liguoqiang"), todo[third].id)
    assert sheet.case.splitting == found
    (listed,) = bulk.listed(app, viewer(app, "liguoqiang"), [todo[third].id])
    assert listed.left is not None and "bulk.splitting" in str(listed.left)


def test_the_submitter_is_not_told(app: Countersign):
    for _ in range(2):
        submitted(app, budget="49000")
    third = submitted(app, budget="49000")
    assert seen(app, "wangmin", third) is None
    assert seen(app, "liguoqiang", third) is not None


def test_who_sees_one_of_them_by_a_task_alone_gets_the_number_of_the_others(app: Countersign):
    for _ in range(2):
        submitted(app, budget="49000")
    third = submitted(app, budget="49000")
    task = next(task.id for task in approvals.inbox(app, viewer(app, "liguoqiang")).to_do if task.case.id == third)
    operations.transfer(app, Door(viewer(app, "liguoqiang"), key()), task, "emily", remark="出差")
    found = seen(app, "emily", third)
    assert found is not None
    assert (found.cases, found.others, found.count) == ((), 2, 3)


def test_its_history_rebuilds_what_was_found_and_a_later_submission_takes_it_back(app: Countersign):
    for _ in range(2):
        submitted(app, budget="49000")
    third = submitted(app, budget="49000")
    with app.db.read() as tx:
        case = stored.load(tx, third)
        assert case.splitting is not None and case.splitting.count == 3
        assert replay(history.load(tx, third)) == case
    submitter = viewer(app, "wangmin")
    proposals.withdraw(app, submitter, third, "", key=key(), again=True)
    proposals.submit(app, submitter, third, PROPOSAL | {"budget": "20000"}, key=key())
    with app.db.read() as tx:
        case = stored.load(tx, third)
        assert case.splitting is None
        assert replay(history.load(tx, third)) == case
    fourth = submitted(app, budget="49000")
    found = seen(app, "liguoqiang", fourth)
    assert found is not None and third not in {row.id for row in found.cases}


def test_an_amount_that_an_approver_changed_counts_as_it_is_now(app: Countersign):
    submitted(app, budget="49000")
    amended = submitted(app, budget="60000")
    for login in ("liguoqiang", "zhanglan", "chensi", "linfang"):
        decided(app, login, amended)
    assert seen(app, "liguoqiang", submitted(app, budget="49000")) is None
    decided(app, "zhouning", amended, {"budget": "48000"})
    found = seen(app, "liguoqiang", submitted(app, budget="49000"))
    assert found is not None
    assert amended in {row.id for row in found.cases}
    assert (found.count, found.total) == (4, Decimal(195000))


def test_withdrawn_cases_old_ones_and_those_of_other_offices_do_not_count(app: Countersign, tmp_path: Path):
    gone, old = submitted(app, budget="49000"), submitted(app, budget="49000")
    proposals.withdraw(app, viewer(app, "wangmin"), gone, "", key=key())
    assert seen(app, "liguoqiang", submitted(app, budget="49000")) is None, "one was withdrawn"
    clock.move(tmp_path / "clock", timedelta(days=31))
    assert seen(app, "liguoqiang", submitted(app, budget="49000")) is None, f"{old} is too long ago"
    elsewhere = proposals.start(app, viewer(app, "emily"), "telecom-marketing-case", key=key())
    proposals.submit(app, viewer(app, "emily"), elsewhere, PROPOSAL | {"budget": "49000"}, key=key())
    assert seen(app, "liguoqiang", submitted(app, budget="49000")) is None, "the other is of another office"
    assert seen(app, "liguoqiang", submitted(app, budget="49000")) is not None


def test_of_two_submitted_at_once_the_later_one_sees_the_earlier(app: Countersign):
    submitted(app, budget="49000")
    submitter = viewer(app, "wangmin")
    returned = [submitted(app, budget="20000") for _ in range(6)]
    for case_id in returned:  # they have their numbers, so that no counter makes them take turns
        proposals.withdraw(app, submitter, case_id, "", key=key(), again=True)
    together = Barrier(len(returned))

    def submit(case_id: str) -> None:
        together.wait()
        proposals.submit(app, submitter, case_id, PROPOSAL | {"budget": "49000"}, key=f"{case_id}-once")

    with ThreadPoolExecutor(len(returned)) as pool:
        list(pool.map(submit, returned))
    found = [seen(app, "liguoqiang", case_id) for case_id in returned]
    assert sorted(view.count for view in found if view) == [3, 4, 5, 6, 7]
    assert found.count(None) == 1
