"""Budgets of offices by page, script and command: set by two, shown, told at the field, verified."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from engine.cli.main import app as commands
from engine.service import budgets
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from tests.acceptance.offices import submitted
from tests.api.desk import Desk
from tests.api.test_api_rest import script

Desks = Callable[..., Desk]
NEW = {"office": "440111", "amount": "100000", "reason": "the year's budget"}


def account_of(app: Countersign) -> str:
    return f"440111:{app.now().astimezone(app.settings.zone).year}:CNY"


def test_a_script_proposes_another_confirms_and_the_ledger_is_read(app: Countersign, api: FastAPI) -> None:
    first, second, account = script(api, "zhanglan"), script(api, "hejing"), account_of(app)
    year = int(account.split(":")[1])
    made = first.post("/api/v1/budgets", json=NEW | {"year": year})
    assert made.status_code == 201 and made.json()["waits"][0]["account"] == account
    own = first.post(f"/api/v1/budgets/{account}/1/decision", json={"confirm": True})
    assert own.status_code == 409
    done = second.post(f"/api/v1/budgets/{account}/1/decision", json={"confirm": True})
    assert done.status_code == 200 and done.json()["budgets"][0]["available"] == "100000"
    case_id = submitted(app, budget="40000")
    page = first.get(f"/api/v1/budgets/{account}").json()
    assert (page["budget"]["reserved"], page["cases"][0]["id"]) == ("40000", case_id)
    assert [line["occasion"] for line in page["postings"]] == ["reserve", "reserve", "set", "set"]
    for wrong in ({"office": "440000"}, {"amount": "1.001"}, {"currency": "XYZ"}):
        refused = first.post("/api/v1/budgets", json=NEW | {"year": year} | wrong)
        assert refused.status_code == 422, wrong
    assert script(api, "wangmin").get(f"/api/v1/budgets/{account}").status_code == 404
    assert script(api, "xuwen").post("/api/v1/budgets", json=NEW | {"year": year}).status_code == 404


def test_the_page_says_at_the_field_that_too_little_is_left_and_exports_the_ledger(
    app: Countersign, desk: Desks
) -> None:
    account = account_of(app)
    year = account.split(":")[1]
    keeper = desk("zhanglan", language="en")
    shown = keeper.fill_in("/budgets", "/budgets", **NEW, year=year, currency="CNY")
    assert "waits for its confirmation" in shown.text
    budgets.decide(app, OPERATOR, account, 1, confirm=True)
    submitted(app, budget="40000")
    exported = keeper.get(f"/budgets/{account}?format=csv")
    assert exported.headers["content-type"].startswith("text/csv")
    assert [line.split(",")[3:6] for line in exported.text.splitlines()[1:3]] == [
        ["reserved", "40000", "reserve"],
        ["available", "-40000", "reserve"],
    ]
    assert desk("wangmin").get("/budgets").status_code == 404


def test_the_command_proposes_shows_and_verifies(app: Countersign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(app.settings.home))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", app.db.url.render_as_string(hide_password=False))
    account = account_of(app)
    assert "Proposed for " + account in run(
        "set", "440111", "5000", "--year", account.split(":")[1], "--reason", "year"
    )
    assert f"{account} version 1: 5,000.00 waits" in run("show")
    assert "is refused" in run("refuse", account, "1")
    assert "There is none." in run("show")
    assert "whole" in run("verify")


def run(*words: str) -> str:
    done = CliRunner().invoke(commands, ["budget", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output
