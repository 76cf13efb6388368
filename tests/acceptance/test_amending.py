"""An approver changes what the step lets them, through the public doors, on both databases."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from engine.cli.demo.people import PASSWORD
from engine.definition.check import check
from engine.definition.scenario_run import run_scenarios
from engine.errors import ChangedMeanwhile, InvalidForm
from engine.service import approvals, people, proposals
from engine.service.app import Countersign
from engine.store import cases as store
from engine.store.history import verify
from engine.values import Language
from notifications.message import compose
from tests.acceptance.amending_case import FORM, TEXT, asked, decide, page, publish, started
from tests.acceptance.offices import DAY, key, notices, open_task, opened, viewer
from tests.api.desk import Desk


@pytest.fixture
def app(db_url: str, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db_url, tmp_path, shipped=False) as application:
        publish(application)
        yield application


def script(app: Countersign, login: str) -> TestClient:
    client = TestClient(create_app(app), raise_server_exceptions=False)
    answer = client.post("/api/v1/session", json={"login": login, "password": PASSWORD})
    client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return client


def test_the_scenarios_of_the_kind_pass() -> None:
    checked = check(TEXT)
    assert checked.problems == ()
    assert checked.definition is not None
    assert run_scenarios(checked.definition, checked.document, "").passed


def test_a_changed_budget_is_told_asks_again_and_is_what_gets_approved(app: Countersign) -> None:
    case_id = started(app)
    decide(app, "liguoqiang")
    decide(app, "zhanglan", {"budget": "60000"})
    assert asked(app, case_id) == {"liguoqiang"}
    entry = page(app, case_id).history[0]
    assert (entry.actor, entry.what, entry.step.zh) == ("张岚", "approve", "市财务")
    assert [(one.label.en, one.was, one.now) for one in entry.changes] == [("Budget", "80000.00", "60000")]
    assert [label.en for label in entry.again] == ["County head"]
    sheet = approvals.sheet(app, viewer(app, "liguoqiang"), open_task(app, "liguoqiang"))
    assert [(one.label.en, one.now) for one in sheet.changes] == [("Budget", "60000")]
    assert page(app, case_id).row.budget == 60_000
    decide(app, "liguoqiang")
    assert asked(app, case_id) == {"zhouning"}
    decide(app, "zhouning")
    assert page(app, case_id).row.state == "approved"
    with app.db.read() as tx:
        assert verify(tx, case_id) is None
        assert store.load(tx, case_id).form["budget"] == "60000"


def test_a_higher_budget_takes_the_case_to_the_province(app: Countersign) -> None:
    case_id = started(app, reach="90000")
    decide(app, "liguoqiang")
    decide(app, "hejing", {"budget": "400000"})
    view = page(app, case_id)
    assert (view.route, view.reasons) == ("large", ("form.budget 400000 > 300000: true",))
    for login in ("liguoqiang", "zhouning", "gaoyuan"):
        decide(app, login)
    assert page(app, case_id).row.state == "approved"


def test_a_budget_that_would_leave_the_province_out_is_refused(app: Countersign) -> None:
    case_id = started(app, reach="90000", budget="400000")
    decide(app, "liguoqiang")
    with pytest.raises(InvalidForm, match="would not come to Province head any more"):
        decide(app, "zhanglan", {"budget": "80000"})
    assert page(app, case_id).row.budget == 400_000


def test_everything_wrong_with_a_change_comes_at_once_and_nothing_is_kept(app: Countersign) -> None:
    case_id = started(app)
    decide(app, "liguoqiang")
    with pytest.raises(InvalidForm) as refused:
        decide(app, "zhanglan", {"budget": "many", "reach": 5, "channels": ["fax"], "colour": "red"})
    assert {(problem.at, problem.code) for problem in refused.value.problems} == {
        ("budget", "form.not_number"),
        ("reach", "form.read_only"),
        ("channels", "form.not_among"),
        ("colour", "form.unknown"),
    }
    with pytest.raises(InvalidForm, match="At most 10 per customer"):
        decide(app, "zhanglan", {"budget": "90001"})
    assert asked(app, case_id) == {"zhanglan", "hejing"}


def test_what_stood_on_the_page_when_it_was_opened_is_no_change(app: Countersign) -> None:
    case_id = started(app)
    seen = page(app, case_id).seq
    decide(app, "liguoqiang")
    decide(app, "zhanglan", {"budget": FORM["budget"], "channels": ["sms"]}, seen=seen)
    assert asked(app, case_id) == {"zhouning"}


def test_a_change_after_the_page_was_opened_is_looked_at_first(app: Countersign) -> None:
    case_id = started(app)
    seen = page(app, case_id).seq
    decide(app, "liguoqiang")
    decide(app, "zhanglan", {"budget": "60000"})
    with pytest.raises(ChangedMeanwhile):
        decide(app, "liguoqiang", seen=seen)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_submitter_is_told_by_whom_what_was_changed_from_what_to_what(app: Countersign, language: Language) -> None:
    people.set_language(app, viewer(app, "wangmin"), language)
    case_id = started(app)
    decide(app, "liguoqiang")
    notices(app)
    decide(app, "zhanglan", {"budget": "60000", "channels": ["sms", "hall"]})
    (told,) = [one for one in notices(app) if one.person == "wangmin"]
    mail = compose(told, app.settings.zone)
    said = {
        "zh": ("张岚（市财务）", "预算：¥80,000.00 → ¥60,000.00", "渠道：短信 → 短信、营业厅"),
        "en": ("张岚 (City finance)", "Budget: CN¥80,000.00 → CN¥60,000.00", "Channels: SMS → SMS, Hall"),
    }[language]
    assert told.occasion == "amended"
    assert [line for line in said if line not in mail.body] == []
    assert told.title not in mail.title or not told.confidential
    browser = Desk(create_app(app))
    browser.sign_in("wangmin", language)
    pill, alert = {
        "zh": ("审批人有改动", "张岚（市财务）改了您的方案："),
        "en": ("Changed by an approver", "张岚 (City finance) changed your proposal:"),
    }[language]
    assert pill in browser.get("/inbox?list=mine").text
    assert alert in browser.get(f"/cases/{case_id}").text
    assert page(app, case_id, "liguoqiang").amended == ()
    proposals.withdraw(app, viewer(app, "wangmin"), case_id, "", key=key(), again=True)
    proposals.submit(app, viewer(app, "wangmin"), case_id, FORM, key=key())  # theirs again
    assert (pill in browser.get("/inbox?list=mine").text, page(app, case_id).amended) == (False, ())


def test_the_submitter_is_told_of_a_change_that_nobody_else_looks_at(app: Countersign) -> None:
    text = TEXT.partition("tests:\n")[0].replace("version: 1", "version: 2")
    publish(app, text.replace("reach, channels]", "reach]"))
    started(app)
    decide(app, "liguoqiang")
    notices(app)
    decide(app, "zhanglan", {"channels": ["hall"]})
    told = [one for one in notices(app) if one.occasion == "amended"]
    assert [(one.person, [field.name for field in one.changes]) for one in told] == [("wangmin", ["channels"])]


def test_a_script_changes_fields_with_its_decision(app: Countersign) -> None:
    case_id = started(app)
    decide(app, "liguoqiang")
    client, task = script(app, "zhanglan"), open_task(app, "zhanglan")
    refused = client.post(f"/api/v1/tasks/{task}/decision", json={"decision": "approve", "form": {"reach": 5}})
    assert refused.status_code == 422
    (problem,) = refused.json()["problems"]
    assert problem["at"] == "reach"
    assert problem["code"] == "form.read_only"
    headers = {"Idempotency-Key": f"amended-{key()}"}
    for _ in range(2):  # the second click does nothing
        answer = client.post(
            f"/api/v1/tasks/{task}/decision",
            json={"decision": "approve", "form": {"budget": "60000", "channels": []}},
            headers=headers,
        )
        assert answer.status_code == 200, answer.text
    changes = page(app, case_id).history[0].changes
    assert {change.label.en for change in changes} == {"Budget", "Channels"}
    assert asked(app, case_id) == {"liguoqiang"}


def test_the_sheet_has_an_input_for_what_may_be_changed_and_keeps_what_was_typed(app: Countersign) -> None:
    case_id = started(app)
    decide(app, "liguoqiang")
    browser = Desk(create_app(app))
    browser.sign_in("zhanglan")
    address = f"/tasks/{open_task(app, 'zhanglan')}"
    sheet = browser.get(address)
    assert re.findall(r'name="form\.(\w+)', sheet.text) == ["budget", *["channels"] * 3]
    assert "a change asks again: County head" in sheet.text
    given = browser.form(sheet, address)
    wrong = browser.post(
        address, data=given | {"decision": "approve", "form.budget": "many", "form.channels[]": "hall"}
    )
    assert wrong.status_code == 422
    assert 'value="many"' in wrong.text
    assert "“many” is not a number." in wrong.text
    sent = {"form.budget": "60000", "form.channels[]": ["sms", "hall"], "remark": "less will do"}
    browser.post(address, data=browser.form(wrong, address) | sent | {"decision": "approve"})
    entry = page(app, case_id).history[0]
    assert {one.label.en: one.now for one in entry.changes} == {"Budget": "60000", "Channels": ["sms", "hall"]}
    browser = Desk(create_app(app))
    browser.sign_in("liguoqiang", "zh")
    again = browser.get(f"/tasks/{open_task(app, 'liguoqiang')}")
    assert "重新审批：县经理" in again.text
    assert 'name="form.' not in again.text


def test_what_stands_in_the_inputs_of_the_sheet_is_no_change_and_a_return_takes_none_of_it(app: Countersign) -> None:
    case_id = started(app)
    decide(app, "liguoqiang")
    browser = Desk(create_app(app))
    browser.sign_in("zhanglan")
    address = f"/tasks/{open_task(app, 'zhanglan')}"
    typed = {"form.budget": "1", "form.channels[]": ["sms"], "remark": "too much", "decision": "return"}
    browser.post(address, data=browser.form(browser.get(address), address) | typed)
    assert (page(app, case_id).row.state, page(app, case_id).row.budget) == ("returned", 80_000)
    proposals.submit(app, viewer(app, "wangmin"), case_id, FORM, key=key())
    decide(app, "liguoqiang")
    address = f"/tasks/{open_task(app, 'zhanglan')}"
    same = {"form.budget": FORM["budget"], "form.channels[]": ["sms"], "decision": "approve"}
    browser.post(address, data=browser.form(browser.get(address), address) | same)
    assert asked(app, case_id) == {"zhouning"}
    assert page(app, case_id).history[0].changes == ()


def test_who_comes_second_is_told_who_was_first_whatever_they_entered(app: Countersign) -> None:
    started(app)
    decide(app, "liguoqiang")
    late = open_task(app, "hejing")
    decide(app, "zhanglan")
    client = script(app, "hejing")
    answer = client.post(f"/api/v1/tasks/{late}/decision", json={"decision": "approve", "form": {"budget": "many"}})
    assert answer.status_code == 409


def test_a_case_that_is_not_approved_in_time_ends_as_expired_and_its_submitter_is_told(
    db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = tmp_path / "clock"
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(clock))
    with opened(db_url, tmp_path, shipped=False) as app:
        publish(app, TEXT.replace("approval:\n", "approval:\n  expires: 20d\n").partition("tests:\n")[0])
        case_id = started(app)
        late = open_task(app, "liguoqiang")
        notices(app)
        clock.write_text(str(21 * DAY.total_seconds()))
        told = {(notice.person, notice.occasion) for notice in notices(app)}
        assert ("wangmin", "expired") in told
        view = page(app, case_id)
        assert (view.row.state, view.history[0].what, view.history[0].via) == ("expired", "lapsed", "timer")
        answer = script(app, "liguoqiang").post(f"/api/v1/tasks/{late}/decision", json={"decision": "approve"})
        assert answer.status_code == 409
        with app.db.read() as tx:
            assert verify(tx, case_id) is None
            assert store.load(tx, case_id).timers == ()
