"""Why is it here, whom does it wait for, how long, what happens next: one explanation, on both databases."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api import words
from api.app import create_app
from engine import clock
from engine.cli import cases as command
from engine.cli.demo.people import PASSWORD
from engine.cli.main import app as program
from engine.service import approvals, cases, explaining, operations, proposals
from engine.service.app import Countersign
from engine.service.chain_views import Waiting
from engine.service.effects import fire_timers
from engine.service.operations import Door
from tests.acceptance.offices import DAY, key, open_task, opened, submitted, viewer
from tests.api.lifecycles import BILL, in_force


@pytest.fixture
def app(db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", db_url)
    monkeypatch.setenv("COUNTERSIGN_HOME", str(tmp_path))
    with opened(db_url, tmp_path) as application:
        yield application


def waiting(app: Countersign, case_id: str) -> Waiting:
    return explaining.explain(app, viewer(app, "wangmin"), case_id).waiting


def script(app: Countersign, login: str) -> TestClient:
    client = TestClient(create_app(app), raise_server_exceptions=False)
    answer = client.post("/api/v1/session", json={"login": login, "password": PASSWORD})
    client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return client


def test_it_names_who_is_asked_as_what_and_each_decision_leads_where_it_says(app: Countersign):
    case_id = submitted(app)
    found = explaining.explain(app, viewer(app, "wangmin"), case_id)
    (person,) = found.waiting.people
    assert (person.name, person.why.code, person.why.role, person.working_days) == ("李国强", "role", "head", 0)
    assert person.why.office.zh and person.until is not None
    assert found.reasons == ("form.budget 80000.00 > params.city_budget 50000.00: true",)
    told = {follow.decision: (follow.state, {node.id for node in follow.nodes}) for follow in found.waiting.follows}
    assert set(told) == {"approve", "return", "reject"}
    for decision, foretold in told.items():
        other = submitted(app)
        named = approvals.decision_named(decision)
        task = next(task.id for task in approvals.inbox(app, viewer(app, "liguoqiang")).to_do if task.case.id == other)
        approvals.decide(app, viewer(app, "liguoqiang"), task, named, remark="因为", seen_seq=None, key=key())
        page = cases.case_page(app, viewer(app, "wangmin"), other)
        assert (page.row.state, {node.id for node in page.waiting.for_nodes}) == foretold
    assert waiting(app, case_id) == found.waiting, "asking what would follow changes nothing"


def test_what_silence_does_happens_at_the_times_it_names(app: Countersign, tmp_path: Path):
    case_id = submitted(app)
    foretold = [(one.at, one.what, one.people) for one in waiting(app, case_id).deadlines]
    assert [what for _, what, _ in foretold][:3] == ["reminded", "reminded", "escalated"]
    seen = 0
    for at, what, people in foretold[:3]:
        clock.move(tmp_path / "clock", at - clock.now() + timedelta(seconds=1))
        assert fire_timers(app) == 1
        history = cases.case_page(app, viewer(app, "wangmin"), case_id).history
        assert history[0].what == what
        assert len(history) == seen + 1 or not seen
        seen = len(history)
        if people:
            (now_asked,) = waiting(app, case_id).people
            assert (now_asked.name,) == people
            assert (now_asked.why.code, now_asked.why.by) == ("escalated", "李国强")


def test_how_long_counts_working_days_and_a_question_stops_the_clock(app: Countersign, tmp_path: Path):
    case_id = submitted(app)
    clock.move(tmp_path / "clock", 7 * DAY)
    (person,) = waiting(app, case_id).people
    days = app.calendar
    with app.db.read() as tx:
        zone = app.settings.zone
        expected = days(tx).between(person.since.astimezone(zone).date(), app.now().astimezone(zone).date())
    assert person.working_days == expected > 0
    operations.ask(app, Door(viewer(app, "liguoqiang"), key()), open_task(app, "liguoqiang"), "sunli", text="为什么?")
    asked = {one.name: (one.why.code, one.why.by, one.stopped) for one in waiting(app, case_id).people}
    assert asked == {"李国强": ("role", "", True), "孙莉": ("question", "李国强", True)}
    assert waiting(app, case_id).deadlines == ()


def test_it_says_who_brought_a_person_in(app: Countersign):
    case_id = submitted(app)
    door = Door(viewer(app, "liguoqiang"), key())
    operations.add_signers(app, door, open_task(app, "liguoqiang"), ["linfang"], "beside", remark="一起看")
    operations.transfer(
        app, Door(viewer(app, "liguoqiang"), key()), open_task(app, "liguoqiang"), "sunli", remark="出差"
    )
    why = {one.name: (one.why.code, one.why.by) for one in waiting(app, case_id).people}
    assert why == {"林芳": ("beside", "李国强"), "孙莉": ("transferred", "李国强")}


def test_page_api_and_command_say_the_same_to_who_may_see_it(app: Countersign):
    case_id = submitted(app)
    case = cases.case_page(app, viewer(app, "wangmin"), case_id)
    answer = script(app, "wangmin").get(f"/api/v1/cases/{case_id}/explanation").json()
    by_number = script(app, "wangmin").get(f"/api/v1/cases/{case.row.number}/explanation").json()
    run = CliRunner().invoke(program, ["cases", "explain", case.row.number, "--as", "wangmin", "--json"])
    assert json.loads(run.stdout) == answer == by_number
    assert answer["waiting"] == script(app, "wangmin").get(f"/api/v1/cases/{case_id}").json()["waiting"]
    said = CliRunner().invoke(program, ["cases", "explain", case.row.number, "--as", "wangmin"]).stdout
    assert "县公司经理: 李国强 (holds head at 白云区分公司)" in said
    assert "form.budget 80000.00 > params.city_budget 50000.00: true" in said
    for part in ("县公司经理: approve -> approving, waits for", "县公司经理: return -> returned", "escalated"):
        assert part in said


def test_who_may_not_see_the_case_is_told_that_there_is_none(app: Countersign):
    case_id = submitted(app)
    number = cases.case_page(app, viewer(app, "wangmin"), case_id).row.number
    stranger = script(app, "emily")
    told = {stranger.get(f"/api/v1/cases/{name}/explanation").text for name in (case_id, number, "440111-2026-99999")}
    assert len(told) == 1
    run = CliRunner().invoke(program, ["cases", "explain", number, "--as", "emily"])
    assert run.exit_code == 1
    assert "李国强" not in run.output


def test_in_a_lifecycle_that_a_definition_declares_too(app: Countersign):
    in_force(app)
    submitter = viewer(app, "wangmin")
    case_id = proposals.start(app, submitter, "payment-approval", key=key())
    proposals.submit(app, submitter, case_id, BILL, key=key())
    found = waiting(app, case_id)
    assert {(one.name, one.why.code, one.why.role) for one in found.people} == {
        ("林芳", "role", "administration"),
        ("周宁", "role", "supervisor"),
        ("马超", "fallback", "process_admin"),
    }
    told = {(follow.event.en, follow.state) for follow in found.follows}
    assert told == {
        ("Approve", "admin_approved"),
        ("Approve", "pre_approved"),
        ("Approve", "supervisor_approved"),
        ("Approve finally", "final_approved"),
        ("Reject", "rejected"),
    }
    task = open_task(app, "linfang")
    approvals.act(app, viewer(app, "linfang"), task, "approve", remark="", seen_seq=None, key=key())
    assert waiting(app, case_id).state == "admin_approved"


def test_page_and_command_have_a_word_for_every_reason():
    assert set(words.WHY) == set(command.WHY)
