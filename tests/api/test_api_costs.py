"""The cost table through its page, its API and its command: four eyes, every wrong line at its place, a file back."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from engine.cli.main import app as commands
from engine.service import costs
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By
from tests.acceptance.costed_case import HEADINGS
from tests.acceptance.offices import key, viewer
from tests.api.desk import Desk
from tests.api.test_api_rest import script

Desks = Callable[..., Desk]
PRICES = f"{HEADINGS}\nsms,north,segment,delivered,0.045,CNY,2026-01-01,\n"


def test_a_script_proposes_another_confirms_and_the_file_comes_back(app: Countersign, api: FastAPI) -> None:
    first, second, analyst = script(api, "zhanglan"), script(api, "hejing"), script(api, "wangmin")
    made = first.post("/api/v1/costs", json={"table": PRICES, "reason": "contract"})
    assert made.status_code == 201 and made.json()["versions"][0]["state"] == "open"
    assert first.post("/api/v1/costs/1/decision", json={"confirm": True}).status_code == 409
    assert second.post("/api/v1/costs", json={"table": PRICES, "reason": "same"}).status_code == 409
    assert second.post("/api/v1/costs/1/decision", json={"confirm": True}).status_code == 200
    (one,) = analyst.get("/api/v1/costs").json()["versions"]
    assert (one["state"], one["currency"], one["may_decide"]) == ("in_force", "CNY", False)
    assert one["prices"][0]["price"] == "0.045" and one["prices"][0]["charged"] == "delivered"
    assert analyst.get("/api/v1/costs.csv").text.lstrip("\ufeff").replace("\r", "") == PRICES
    assert analyst.post("/api/v1/costs", json={"table": PRICES, "reason": "x"}).status_code == 404
    wrong = first.post(
        "/api/v1/costs", json={"table": PRICES + "fax,x,message,sent,1,CNY,2026-01-01,\n", "reason": "x"}
    )
    assert wrong.status_code == 422 and wrong.json()["problems"][0]["line"] == 3
    assert script(api, "emily").get("/api/v1/costs").status_code == 404


def test_the_page_takes_a_text_or_a_file_and_says_what_is_wrong_in_it(app: Countersign, desk: Desks) -> None:
    keeper = desk("zhanglan", language="en")
    twice = PRICES + "sms,south,segment,sent,0.03,CNY,2026-06-01,\n"
    refused = keeper.fill_in("/costs", "/costs", table=twice, reason="contract")
    assert refused.status_code == 422 and "line 2 has another price" in refused.text and "0.03,CNY" in refused.text
    unsaid = keeper.fill_in("/costs", "/costs", table=PRICES, reason="")
    assert unsaid.status_code == 422
    filled = keeper.form(keeper.get("/costs"), "/costs") | {"reason": "contract", "table": "nothing"}
    shown = keeper.post("/costs", data=filled, files={"file": ("prices.csv", PRICES.encode(), "text/csv")})
    assert "waits for its confirmation" in shown.text and "what was delivered only" in shown.text
    reader = desk("wangmin", language="en")
    assert 'action="/costs"' not in reader.get("/costs").text and 'action="/costs/1"' not in reader.get("/costs").text
    costs.decide(app, OPERATOR, 1, confirm=True)
    assert reader.get("/costs/1/export/csv").text.lstrip("\ufeff").replace("\r", "") == PRICES
    assert desk("emily").get("/costs").status_code == 404


def test_the_command_proposes_shows_and_writes_the_table(
    app: Countersign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(app.settings.home))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", app.settings.database_url)
    run, file = CliRunner(), tmp_path / "prices.csv"
    assert "no cost table" in run.invoke(commands, ["costs", "show"]).output
    file.write_text(PRICES + "sms,south,segment,sent,0.03,CNY,2026-06-01,\n")
    wrong = run.invoke(commands, ["costs", "propose", str(file), "--reason", "contract"])
    assert wrong.exit_code != 0 and costs.show(app, OPERATOR).versions == ()
    file.write_text(PRICES.replace("2026-01-01,", "2026-01-01,2026-03-31") + "sms,n,message,sent,1,CNY,2026-05-01,\n")
    assert "Proposed 2" in run.invoke(commands, ["costs", "propose", str(file), "--reason", "contract"]).output

    costs.decide(app, By(viewer(app, "machao"), key=key()), 1, confirm=True)
    shown = run.invoke(commands, ["costs", "show"]).output
    assert "in_force" in shown and "no price for sms per message from 2026-04-01 to 2026-04-30" in shown
    back = tmp_path / "back.xlsx"
    assert run.invoke(commands, ["costs", "export", str(back)]).exit_code == 0
    assert back.read_bytes().startswith(b"PK")
