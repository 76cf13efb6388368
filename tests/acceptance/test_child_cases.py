"""Parent and child cases through the service, on both databases: every end of a child, and who sees which of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine import clock
from engine.errors import NotFound, NotPossible
from engine.service import approvals, interventions, operations, proposals
from engine.service.app import Countersign
from engine.service.operations import Door
from engine.store.session import Database
from tests.acceptance.family import family, in_force, opened_family
from tests.acceptance.offices import DAY, key, notices, open_task, opened, state_of, viewer


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home", shipped=False) as app:
        in_force(app)
        yield app


def act(app: Countersign, login: str, event: str) -> None:
    approvals.act(app, viewer(app, login), open_task(app, login), event, remark="", seen_seq=None, key=key())
    notices(app)


def approve(app: Countersign, child: str) -> None:
    """The whole way of a child, to its approval."""
    who = viewer(app, "zhanglan")
    line = next(row for row in approvals.inbox(app, who).to_do if row.case.id == child)
    approvals.act(app, who, line.id, "clear", remark="", seen_seq=None, key=key())
    decide(app, child, "approve")


def decide(app: Countersign, child: str, decision: str) -> None:
    who = viewer(app, "liguoqiang")
    line = next(row for row in approvals.inbox(app, who).to_do if row.case.id == child)
    approvals.decide(app, who, line.id, decision, remark="as tried", seen_seq=None, key=key())
    notices(app)


def reject(app: Countersign, child: str, _: Path) -> None:
    act(app, "zhanglan", "clear")
    decide(app, child, "reject")


def withdraw(app: Countersign, child: str, _: Path) -> None:
    proposals.withdraw(app, viewer(app, "wangmin"), child, reason="no more", key=key())
    notices(app)


def terminate(app: Countersign, child: str, _: Path) -> None:
    interventions.intervene(app, viewer(app, "machao"), child, "terminate", reason="no more", key=key())
    notices(app)


def expire(app: Countersign, child: str, home: Path) -> None:
    clock.move(home / "clock", 6 * DAY)
    notices(app)
    assert state_of(app, child) == "expired"


def test_a_parent_goes_on_when_all_of_its_children_are_approved(app: Countersign) -> None:
    case_id = opened_family(app, "north", "south")
    view = family(app, case_id)
    assert [(child.element, child.row.title if child.row else "", child.outcome) for child in view.children] == [
        ("north", "国庆联合营销", ""),
        ("south", "国庆联合营销", ""),
    ]
    first, second = (child.id for child in view.children)
    approve(app, first)
    assert [child.outcome for child in family(app, case_id).children] == ["done", ""]
    assert state_of(app, case_id) == "contracts"
    approve(app, second)
    assert state_of(app, case_id) == "closed"
    notified = [entry.what for entry in family(app, case_id).history]
    assert notified.count("child_moved") >= 2


@pytest.mark.parametrize(
    ("end", "state"),
    [(reject, "rejected"), (withdraw, "withdrawn"), (terminate, "cancelled"), (expire, "expired")],
)
def test_a_child_that_ends_otherwise_leads_where_the_parent_says(
    app: Countersign, tmp_path: Path, end: Callable[[Countersign, str, Path], None], state: str
) -> None:
    case_id = opened_family(app, "north")
    (child,) = family(app, case_id).children
    end(app, child.id, tmp_path)
    (child,) = family(app, case_id).children
    assert (child.state, child.outcome, state_of(app, case_id)) == (state, "failed", "reconsidered")
    act(app, "sunli", "go_on")
    assert state_of(app, case_id) == "closed"


def test_what_is_not_waited_for_any_more_is_cancelled(app: Countersign) -> None:
    case_id = opened_family(app, "north", "south", "west")
    first, *others = (child.id for child in family(app, case_id).children)
    withdraw(app, first, Path())
    assert [state_of(app, child) for child in others] == ["cancelled", "cancelled"]
    assert not approvals.inbox(app, viewer(app, "zhanglan")).to_do
    assert [child.outcome for child in family(app, case_id).children] == ["failed", "cancelled", "cancelled"]


@pytest.mark.parametrize("by_hand", [True, False], ids=["terminated", "withdrawn"])
def test_the_children_end_with_their_parent(app: Countersign, *, by_hand: bool) -> None:
    case_id = opened_family(app, "north", "south")
    children = [child.id for child in family(app, case_id).children]
    if by_hand:
        terminate(app, case_id, Path())
    else:
        withdraw(app, case_id, Path())
    assert [state_of(app, child) for child in children] == ["cancelled", "cancelled"]


def test_a_suspended_child_ends_with_its_parent_and_a_suspended_parent_hears_of_its_child(app: Countersign) -> None:
    case_id = opened_family(app, "north", "south")
    first, second = (child.id for child in family(app, case_id).children)
    admin = viewer(app, "machao")
    interventions.intervene(app, admin, case_id, "suspend", reason="wait", key=key())
    approve(app, first)  # before it heard that its parent is suspended
    assert [child.outcome for child in family(app, case_id).children] == ["done", ""]
    interventions.intervene(app, admin, second, "suspend", reason="wait", key=key())
    notices(app)
    interventions.intervene(app, admin, case_id, "activate", reason="", key=key())
    assert state_of(app, case_id) == "contracts"
    terminate(app, case_id, Path())
    assert (state_of(app, first), state_of(app, second)) == ("approved", "cancelled")


def operate(app: Countersign, case_id: str, operation: str) -> None:
    interventions.intervene(app, viewer(app, "machao"), case_id, operation, reason="audit", key=key())
    notices(app)


def test_children_stand_still_with_their_parent_and_go_on_with_it(app: Countersign, tmp_path: Path) -> None:
    case_id = opened_family(app, "north", "south", "west")
    ended, alone, plain = (child.id for child in family(app, case_id).children)
    approve(app, ended)
    operate(app, alone, "suspend")
    operate(app, case_id, "suspend")
    assert [state_of(app, one) for one in (ended, alone, plain)] == ["approved", "suspended", "suspended"]
    seen = family(app, plain)
    assert (seen.history[0].what, seen.waiting.reason, seen.waiting.reason_by) == ("held", "", "")
    assert family(app, alone).waiting.reason == "audit"
    with pytest.raises(NotPossible):
        act(app, "zhanglan", "clear")
    clock.move(tmp_path / "clock", 30 * DAY)  # the time that each has does not run
    notices(app)
    operate(app, case_id, "activate")
    assert [state_of(app, one) for one in (ended, alone, plain)] == ["approved", "suspended", "figures"]
    operate(app, alone, "activate")
    approve(app, alone)
    approve(app, plain)
    assert state_of(app, case_id) == "closed"


def test_a_child_that_is_opened_while_its_parent_stands_still_stands_still_too(app: Countersign) -> None:
    case_id = opened_family(app, "north", carried_out=False)
    interventions.intervene(app, viewer(app, "machao"), case_id, "suspend", reason="audit", key=key())
    with app.db.begin() as tx:  # another worker was quicker with the news than this one with the opening
        assert tx.execute(sa.text("UPDATE outbox SET state = 'done' WHERE kind = 'HoldChild'")).rowcount == 1
    notices(app)
    (child,) = family(app, case_id).children
    assert state_of(app, child.id) == "suspended"
    operate(app, case_id, "activate")
    approve(app, child.id)
    assert state_of(app, case_id) == "closed"


def test_a_child_that_one_may_not_see_is_told_of_without_a_way_to_it(app: Countersign) -> None:
    case_id = opened_family(app, "north")
    (child,) = family(app, case_id).children
    reject(app, child.id, Path())
    with pytest.raises(NotFound):
        family(app, child.id, "emily")
    (seen,) = family(app, case_id, "emily").children
    assert (seen.id, seen.number, seen.row, seen.state, seen.outcome) == ("", "", None, "rejected", "failed")


def test_a_parent_that_one_may_not_see_is_not_told_of(app: Countersign) -> None:
    case_id = opened_family(app, "north")
    (child,) = family(app, case_id).children
    act(app, "zhanglan", "clear")
    asking = Door(viewer(app, "liguoqiang"), key())
    operations.ask(app, asking, open_task(app, "liguoqiang"), "emily", text="why?")
    seen = family(app, child.id, "emily")
    assert (seen.row.id, seen.parent, seen.parent_row) == (child.id, "", None)
    theirs = family(app, child.id)
    assert (theirs.parent, theirs.parent_row and theirs.parent_row.id) == (case_id, case_id)
