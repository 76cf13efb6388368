"""The contact policy through its page, its API and its command: four eyes, and every mistake at its field."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from engine.cli.main import app as commands
from engine.errors import InvalidFile, InvalidForm
from engine.service import policies
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.store import policies as rows
from engine.store.policies import POLICIES
from tests.api.desk import Desk
from tests.api.test_api_rest import script

Desks = Callable[..., Desk]
PAGE = "/admin/policy"
WEEKLY = {"caps.0.most": "2", "caps.0.within": "7d", "reason": "fewer messages"}


def test_a_policy_takes_two_administrators_and_is_said_in_words(app: Countersign, api: FastAPI, desk: Desks) -> None:
    admin = desk("machao", language="en")
    waits = admin.fill_in(PAGE, PAGE, **WEEKLY)
    assert "At most 2 contacts of a customer in 7 days" in waits.text and "waits for its confirmation" in waits.text
    decided = admin.form(admin.get(PAGE), f"{PAGE}/1") | {"decision": "confirm"}
    own = admin.post(f"{PAGE}/1", data=decided)
    assert own.status_code == 409 and "Another administrator must confirm it" in own.text
    twice = admin.post(PAGE, data=decided | WEEKLY | {"key": "another-key-1"})
    assert twice.status_code == 409 and "waits for a decision" in twice.text
    with app.db.read() as tx:
        assert rows.in_force(tx, app.now()) is None
    policies.decide(app, OPERATOR, 1, confirm=True)
    shown = admin.get(PAGE)
    assert "The policy in force" in shown.text and 'value="7d"' in shown.text
    with app.db.read() as tx:
        held = rows.in_force(tx, app.now())
    assert held and held.version == 1 and held.policy.caps[0].most == 2
    assert desk("wangmin").get(PAGE).status_code == 404
    assert script(api, "wangmin").get("/api/v1/policy").status_code == 404


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "No policy is in force, and this one says nothing"),
        ({"caps.0.most": "two", "caps.0.within": "7d"}, "a whole number from 1 to 1,000"),
        ({"caps.0.most": "2"}, "Write a period of days or hours"),
        ({"caps.0.most": "2", "caps.0.within": "9999d"}, "from 1h to 365d"),
        ({"caps.0.most": "9" * 5000, "caps.0.within": "7d"}, "a whole number from 1 to 1,000"),
        ({"caps.1.most": "5", "caps.1.within": "7d", "caps.0.most": "3", "caps.0.within": "30d"}, "Cap 2 never holds"),
        ({"similar": "<script>"}, "Write a period of days or hours"),
        ({"capacity.sms": "-1"}, "A whole number of contacts a day"),
        ({"capacity_each.hall.per_day": "0", "capacity_each.hall.by": "hall"}, "A whole number of contacts a day"),
        ({"capacity_each.hall.per_day": "30"}, "Customers have no such field"),
        ({"capacity_each.agent.per_day": "30", "capacity_each.agent.by": "phone"}, "Customers have no such field"),
        ({"caps.0.most": "2", "caps.0.within": "7d", "caps.0.purpose": "fun"}, "A purpose is marketing or service"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    desk: Desks, typed: dict[str, str], said: str
) -> None:
    refused = desk("machao", language="en").fill_in(PAGE, PAGE, **{"reason": "<b>why</b>"} | typed)
    assert refused.status_code == 422 and said in refused.text
    assert (
        "&lt;b&gt;why&lt;/b&gt;" in refused.text and "<script>" not in refused.text.split("<main")[1].split("</main")[0]
    )


def test_without_a_reason_nothing_is_proposed(app: Countersign, desk: Desks) -> None:
    refused = desk("machao", language="en").fill_in(PAGE, PAGE, **WEEKLY | {"reason": " "})
    assert refused.status_code == 422 and 'value="7d"' in refused.text
    assert policies.show(app, OPERATOR).versions == ()


def test_the_policy_by_script(app: Countersign, api: FastAPI) -> None:
    admin = script(api, "machao")
    wrong = {"policy": {"caps": [{"most": 2, "within": "7x"}]}, "reason": "r"}
    refused = admin.post("/api/v1/policy", json=wrong)
    assert refused.status_code == 422 and "caps.0.within" in refused.text
    assert admin.post("/api/v1/policy", json={"policy": {"capacity": {"pigeon": 5}}, "reason": "r"}).status_code == 422
    said = {"caps": [{"most": 2, "within": "7d"}], "capacity": {"sms": 1000}}
    made = admin.post("/api/v1/policy", json={"policy": said, "reason": "r"})
    assert made.status_code == 201 and made.json()["versions"][0]["state"] == "open"
    assert admin.post("/api/v1/policy/1/decision", json={"confirm": True}).status_code == 409
    policies.decide(app, OPERATOR, 1, confirm=True)
    shown = admin.get("/api/v1/policy").json()
    assert shown["carried"] == [{"channel": "sms", "used": 0, "most": 1000}]
    assert shown["versions"][0]["policy"]["caps"][0]["within"] == "7d"
    assert admin.post("/api/v1/policy/1/decision", json={"confirm": False}).status_code == 404


def test_an_empty_policy_ends_the_one_in_force(app: Countersign) -> None:
    with pytest.raises(InvalidForm):
        policies.propose(app, OPERATOR, {}, reason="nothing to end")
    policies.propose(app, OPERATOR, {"similar": "30d"}, reason="r")
    with app.db.begin() as tx:
        POLICIES.decide(tx, 1, "confirmed", by="machao", at=app.now())
    policies.propose(app, OPERATOR, {}, reason="enough")
    with app.db.begin() as tx:
        POLICIES.decide(tx, 2, "confirmed", by="machao", at=app.now())
        assert rows.in_force(tx, app.now()) is None
    assert [one.state for one in policies.show(app, OPERATOR).versions] == ["in_force", "over"]


def test_the_policy_by_command(app: Countersign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(app.settings.home))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", app.settings.database)
    run = CliRunner().invoke
    file = tmp_path / "policy.yaml"
    file.write_text("caps:\n  - {most: 2, within: 7d, channel: sms}\nexempt: [service]\n")
    assert run(commands, ["policy", "propose", str(file), "--reason", "r"]).exit_code == 0
    shown = run(commands, ["policy", "show"]).output
    assert "version 1: open" in shown and "At most 2 contacts of a customer in 7 days by SMS" in shown
    assert run(commands, ["policy", "refuse", "1"]).output.strip() == "Version 1 is refused."
    for wrong in ("caps: [", "- 1", "\x00"):
        file.write_text(wrong)
        failed = run(commands, ["policy", "propose", str(file), "--reason", "r"])
        assert failed.exit_code and isinstance(failed.exception, InvalidFile | SystemExit)
