"""Arbitration through its pages, its API and its command, over two cases that want the same customers."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from engine.cli.main import app as commands
from engine.errors import InvalidForm
from engine.service import arbitration_views
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.store import cases
from tests.acceptance.arbitrated_case import published, submitted
from tests.api.desk import Desk
from tests.api.test_api_rest import script

Desks = Callable[..., Desk]
PAGE = "/arbitration"
POLICY = {"caps": [{"most": 1, "within": "7d"}], "capacity": {"sms": 1000}}


@pytest.fixture
def two(app: Countersign) -> tuple[str, str]:
    """The numbers of two cases; the first stands before the second."""
    published(app, POLICY)
    ids = submitted(app, rank=5, least=80), submitted(app, "emily", rank=1, least=20, title="<b>Winter</b>")
    with app.db.read() as tx:
        first, second = (cases.load(tx, case_id).number or "" for case_id in ids)
    return first, second


def test_it_is_run_supposed_otherwise_and_committed_on_pages(
    app: Countersign, desk: Desks, two: tuple[str, str]
) -> None:
    first, second = two
    admin = desk("machao", language="en")
    assert "No arbitration was run yet." in admin.get(PAGE).text
    shown = admin.fill_in(PAGE, PAGE)
    assert "got <strong>60</strong> of 100 wanted" in shown.text and "&lt;b&gt;Winter&lt;/b&gt;" in shown.text
    assert "<strong>40</strong> to" in shown.text and "the other case has the higher priority" in shown.text
    ids = {one.case.number: one.case.id for one in arbitration_views.show(app, OPERATOR, 1).outcomes}
    second_id = ids[second]
    wrong = admin.fill_in(f"{PAGE}/1", f"{PAGE}/1/suppose", **{f"priority.{second_id}": "high"})
    assert wrong.status_code == 422 and "A whole number from " in wrong.text
    assert 'value="high"' in wrong.text
    beside = admin.fill_in(f"{PAGE}/1", f"{PAGE}/1/suppose", **{f"priority.{second_id}": "9"})
    assert "Run 2 beside run 1" in beside.text and "+40" in beside.text
    committed = admin.fill_in(f"{PAGE}/2", f"{PAGE}/2/commit")
    assert "holds for this case" in committed.text and "Commit this run" not in committed.text
    again = admin.post(f"{PAGE}/2/commit", data=admin.form(admin.get(f"{PAGE}/1"), f"{PAGE}/1/commit"))
    assert again.status_code == 404
    own = desk("wangmin", language="en").get(f"/cases/{ids[first]}?tab=customers")
    assert "gave this case <strong>0</strong> of the 40 customers" in own.text and second in own.text


@pytest.mark.parametrize("login", ["wangmin", "liguoqiang", "xuwen"])
def test_whoever_may_not_is_told_that_nothing_is_there(desk: Desks, login: str) -> None:
    somebody = desk(login)
    assert [somebody.get(path).status_code for path in (PAGE, f"{PAGE}/1")] == [404, 404]


def test_it_is_run_and_committed_by_scripts(api: FastAPI, two: tuple[str, str]) -> None:
    first, second = two
    admin = script(api, "machao")
    assert admin.get("/api/v1/arbitrations").json() == {"runs": []}
    made = admin.post("/api/v1/arbitrations", json={})
    assert made.status_code == 201, made.text
    got = {one["case"]["number"]: (one["got"], one["wanted"]) for one in made.json()["outcomes"]}
    assert got == {first: (40, 40), second: (60, 100)}
    assert made.json()["rooms"] == [{"channel": "sms", "a_day": 1000, "days": 7, "used": 0}]
    supposed = admin.post(
        "/api/v1/arbitrations", json={"base": 1, "priorities": {second: 9}, "caps": {"1": 2}, "capacity": {"sms": 5}}
    ).json()
    assert {one["case"]["number"]: one["got"] for one in supposed["outcomes"]} == {first: 0, second: 35}
    assert admin.post("/api/v1/arbitrations/2/commitment").status_code == 409
    assert admin.post("/api/v1/arbitrations/1/commitment").json()["outcomes"][0]["holds"] is True
    assert admin.post("/api/v1/arbitrations", json={"priorities": {"none": 1}}).status_code == 404
    assert admin.post("/api/v1/arbitrations", json={"since": "2026-13-01"}).status_code == 422
    assert admin.get("/api/v1/arbitrations/7").status_code == 404


def test_it_is_run_and_committed_by_command(
    app: Countersign, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    monkeypatch.setenv("COUNTERSIGN_HOME", str(app.settings.home))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", app.settings.database)
    run = CliRunner().invoke
    shown = run(commands, ["arbitration", "run"]).output
    assert f"{second}, priority 1: got 60 of 100" in shown
    assert f"  lost 40 to {first}: it has the higher priority" in shown
    other = run(commands, ["arbitration", "run", "--base", "1", "--priority", f"{second}=9", "--capacity", "sms=5"])
    assert f"{second}, priority 9: got 35 of 100" in other.output
    assert run(commands, ["arbitration", "commit", "1"]).output.strip() == "Run 1 holds for its cases."
    listed = run(commands, ["arbitration", "show"]).output.splitlines()
    assert listed[0].startswith("2: ") and "committed by" in listed[1]
    failed = run(commands, ["arbitration", "run", "--priority", "9"])
    assert failed.exit_code and isinstance(failed.exception, InvalidForm)
