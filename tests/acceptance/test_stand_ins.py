"""Somebody is away and another decides for them: inbox, sheet, history, and no longer than agreed."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from engine.cli.demo.people import PASSWORD
from engine.errors import InvalidForm, NotFound, OwnCase, StandInOver
from engine.organisation import StandIn
from engine.service import approvals, cases, recounting, reorganising, standins, workdays
from engine.service.app import Countersign
from engine.store import people as store
from engine.store.session import Database
from tests.acceptance.offices import DAY, key, notices, open_task, opened, submitted, viewer


@pytest.fixture
def app(db: Database, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        yield app


def stand_in(app: Countersign, by: str, person: str = "", **changes: Any) -> int:
    """`by` stands in for the first approver from an hour ago for two days."""
    now = app.now()
    given = {"starts": now - timedelta(hours=1), "ends": now + 2 * DAY, **changes}
    return standins.add(app, None, StandIn(person=person or first_approver(app), by=by, **given))


def first_approver(app: Countersign) -> str:
    with app.db.read() as tx:
        (found,) = app.organisation(tx).resolve("head@county", viewer(app, "wangmin").grants[0].office)
    return found


def colleague(app: Countersign) -> str:
    """Somebody with no part in the case's county."""
    with app.db.read() as tx:
        return app.organisation(tx).resolve("role:finance@city", viewer(app, "wangmin").grants[0].office)[0]


def decide(app: Countersign, login: str, task: str) -> None:
    approvals.decide(app, viewer(app, login), task, "approve", remark="", seen_seq=None, key=key())


def test_the_stand_in_sees_is_told_and_decides_and_both_names_stay(app: Countersign) -> None:
    away, by = first_approver(app), colleague(app)
    stand_in(app, by)
    case_id = submitted(app)
    assert {notice.person for notice in notices(app)} >= {away, by}
    (row,) = approvals.inbox(app, viewer(app, by)).to_do
    assert row.on_behalf_of == viewer(app, away).name
    assert approvals.inbox(app, viewer(app, by)).counts["to_do"] == 1
    assert approvals.sheet(app, viewer(app, by), row.id).may_decide
    decide(app, by, row.id)
    entry = next(one for one in cases.case_page(app, viewer(app, by), case_id).history if one.what == "approve")
    assert (entry.actor, entry.on_behalf_of) == (viewer(app, by).name, viewer(app, away).name)


def test_a_stand_in_that_was_ended_loses_everything_at_once(app: Countersign) -> None:
    by = colleague(app)
    number = stand_in(app, by)
    submitted(app)
    task = open_task(app, by)
    standins.end(app, None, number)
    assert approvals.inbox(app, viewer(app, by)).to_do == ()
    with pytest.raises(StandInOver, match=viewer(app, first_approver(app)).name):
        decide(app, by, task)
    decide(app, first_approver(app), task)


@pytest.mark.parametrize(
    "changes",
    [
        {"field": "budget", "limit": Decimal("79999.99")},
        {"definitions": ("email-case",)},
    ],
)
def test_what_is_outside_its_scope_is_not_there(app: Countersign, changes: dict[str, Any]) -> None:
    by = colleague(app)
    stand_in(app, by, **changes)
    submitted(app)
    assert approvals.inbox(app, viewer(app, by)).to_do == ()
    with pytest.raises(StandInOver):
        decide(app, by, open_task(app, first_approver(app)))


@pytest.mark.parametrize(
    "changes",
    [
        {"field": "budget", "limit": Decimal("80000.00")},
        {"definitions": ("telecom-marketing-case",)},
    ],
)
def test_what_is_within_its_scope_is_decided(app: Countersign, changes: dict[str, Any]) -> None:
    by = colleague(app)
    stand_in(app, by, **changes)
    case_id = submitted(app)
    assert cases.case_page(app, viewer(app, by), case_id).row.id == case_id
    decide(app, by, open_task(app, by))


def test_the_submitter_decides_for_nobody(app: Countersign) -> None:
    stand_in(app, "wangmin")
    submitted(app)
    assert approvals.inbox(app, viewer(app, "wangmin")).to_do == ()
    with pytest.raises(OwnCase):
        decide(app, "wangmin", open_task(app, first_approver(app)))


def test_who_stands_in_for_nobody_finds_no_task(app: Countersign) -> None:
    submitted(app)
    with pytest.raises(NotFound):
        decide(app, colleague(app), open_task(app, first_approver(app)))


def test_two_people_do_not_stand_in_for_each_other_at_the_same_time(app: Countersign) -> None:
    by, away = colleague(app), first_approver(app)
    stand_in(app, by)
    with pytest.raises(InvalidForm, match="is represented by"):
        stand_in(app, away, by)
    with pytest.raises(InvalidForm, match="ends before"):
        stand_in(app, by, ends=app.now() - DAY)
    with pytest.raises(InvalidForm, match="nobody has the account"):
        stand_in(app, "nobody")
    with pytest.raises(InvalidForm, match="for themselves"):
        stand_in(app, away)
    assert stand_in(app, away, by, starts=app.now() + 3 * DAY, ends=app.now() + 4 * DAY)


def test_only_the_person_and_administrators_say_who_stands_in(app: Countersign) -> None:
    by, away = colleague(app), first_approver(app)
    one = StandIn(person=away, by=by, starts=app.now(), ends=app.now() + DAY)
    with pytest.raises(NotFound):
        standins.add(app, viewer(app, by), one)
    number = standins.add(app, viewer(app, away), one)
    assert [row.id for row in standins.listed(app, viewer(app, by))] == [number]
    assert standins.listed(app, viewer(app, "wangmin")) == ()
    with pytest.raises(NotFound):
        standins.end(app, viewer(app, by), number)
    standins.end(app, viewer(app, away), number)
    with pytest.raises(NotFound):
        standins.end(app, viewer(app, away), number)


def test_a_new_holder_of_the_role_is_asked_in_the_open_case_and_the_history_says_so(app: Countersign) -> None:
    case_id, by = submitted(app), colleague(app)
    assert reorganising.resolve_open(app) == 0
    with app.db.begin() as tx:
        office = viewer(app, "wangmin").grants[0].office
        store.add_grants(tx, [{"person": by, "role": "head", "office": office}])
    assert reorganising.resolve_open(app) == 1
    assert reorganising.resolve_open(app) == 0
    assert approvals.inbox(app, viewer(app, by)).counts["to_do"] == 1
    assert cases.case_page(app, viewer(app, by), case_id).history[0].what == "reorganised"
    with app.db.begin() as tx:
        store.remove_grant(tx, person=by, role="head", office=office)
    assert reorganising.resolve_open(app) == 1
    assert approvals.inbox(app, viewer(app, by)).to_do == ()


def test_the_operators_own_days_move_deadlines_from_then_on_and_earlier_ones_with_the_next_tick(
    app: Countersign,
) -> None:
    submitted(app)
    before = approvals.inbox(app, viewer(app, first_approver(app))).to_do[0].due_at
    assert before is not None
    off = "\n".join(f"{(app.now() + n * DAY).date()},off,flood" for n in range(-1, 20))
    assert len(workdays.load(app, f"day,kind,note\n{off}\n", "own.csv")) == 21
    submitted(app)
    later = [row.due_at for row in approvals.inbox(app, viewer(app, first_approver(app))).to_do]
    assert later[0] == before
    assert later[1] is not None
    assert later[1] > app.now() + 19 * DAY
    assert recounting.catch_up(app) == 1
    counted_again = [row.due_at for row in approvals.inbox(app, viewer(app, first_approver(app))).to_do]
    assert before not in counted_again
    assert later[1] in counted_again


@pytest.fixture
def api(app: Countersign) -> Iterator[Callable[[str], TestClient]]:
    rest = create_app(app)

    def signed_in(login: str) -> TestClient:
        client = TestClient(rest, raise_server_exceptions=False)
        token = client.post("/api/v1/session", json={"login": login, "password": PASSWORD}).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    yield signed_in


OPERATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "transferred": ("transfer", {"to": "sunli", "remark": "出差"}),
    "delegated": ("delegate", {"to": "sunli", "remark": "先看"}),
    "signers_added": ("signers", {"people": ["sunli"], "place": "beside", "remark": "一起"}),
    "appended": ("append", {"people": ["sunli"], "remark": "一起"}),
    "copied_to": ("copies", {"people": ["sunli"]}),
    "asked": ("questions", {"person": "sunli", "text": "为什么?"}),
    "approve": ("decision", {"decision": "approve"}),
}


@pytest.mark.parametrize("what", OPERATIONS)
def test_the_stand_in_does_everything_with_the_task_for_its_person(
    app: Countersign, api: Callable[[str], TestClient], what: str
) -> None:
    away, by = first_approver(app), colleague(app)
    number = stand_in(app, by, field="budget", limit=Decimal("80000.00"))
    case_id, task = submitted(app), open_task(app, away)
    client, (door, body) = api(by), OPERATIONS[what]
    sheet = client.get(f"/api/v1/tasks/{task}").json()
    assert set(sheet["operations"]) == {"transfer", "delegate", "add_signer", "append", "ask", "copy"}
    with app.db.begin() as tx:
        store.end_stand_in(tx, number, app.now())
    refused = client.post(f"/api/v1/tasks/{task}/{door}", json=body)
    assert refused.status_code == 409
    assert viewer(app, away).name in refused.text
    stand_in(app, by, field="budget", limit=Decimal("79999.99"))
    assert client.post(f"/api/v1/tasks/{task}/{door}", json=body).status_code == 409
    stand_in(app, by)
    done = client.post(f"/api/v1/tasks/{task}/{door}", json=body)
    assert done.status_code == 200, done.text
    entry = cases.case_page(app, viewer(app, by), case_id).history[0]
    assert (entry.what, entry.actor, entry.on_behalf_of) == (what, viewer(app, by).name, viewer(app, away).name)


def test_a_stand_in_passes_nothing_on_to_themselves(app: Countersign, api: Callable[[str], TestClient]) -> None:
    by = colleague(app)
    stand_in(app, by)
    submitted(app)
    task = open_task(app, first_approver(app))
    refused = api(by).post(f"/api/v1/tasks/{task}/transfer", json={"to": by, "remark": "mine"})
    assert refused.status_code == 422
    assert api(by).post(f"/api/v1/tasks/{task}/questions", json={"person": by, "text": "why?"}).status_code == 422


def test_a_question_to_somebody_who_is_away_is_answered_by_their_stand_in(
    app: Countersign, api: Callable[[str], TestClient]
) -> None:
    by = colleague(app)
    standins.add(app, None, StandIn("zhengkai", by, app.now() - DAY, app.now() + DAY))
    case_id = submitted(app)
    task = open_task(app, first_approver(app))
    asked = api(first_approver(app)).post(
        f"/api/v1/tasks/{task}/questions", json={"person": "zhengkai", "text": "为什么?"}
    )
    question = asked.json()["questions"][0]["id"]
    door = f"/api/v1/cases/{case_id}/questions/{question}/answer"
    assert api("chensi").post(door, json={"text": "合同"}).status_code == 404
    answered = api(by).post(door, json={"text": "合同到期"})
    assert answered.status_code == 200, answered.text
    entry = cases.case_page(app, viewer(app, "zhengkai"), case_id).history[0]
    assert (entry.what, entry.on_behalf_of) == ("answered", viewer(app, "zhengkai").name)
