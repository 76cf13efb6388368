"""A caller's desk and a lead's lists through pages and API: masked until asked, one tap, gone is said so."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from api.app import create_app
from engine.service.app import Countersign
from tests.api.desk import Desk
from tests.faults.calling_case import NUMBER, Clock, calling_case, ledger_of, still
from tests.faults.delivering_case import CASE


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Eleven o'clock."""
    return still(monkeypatch)


@pytest.fixture
def house(db_url: str, tmp_path: Path, at: Clock) -> Iterator[Countersign]:
    """A case by call with everybody placed."""
    app = calling_case(db_url, tmp_path / "home", customers=5, public_url="http://testserver")
    yield app
    app.close()


def desk_of(app: Countersign, login: str) -> Desk:
    desk = Desk(create_app(app))
    desk.sign_in(login)
    return desk


def plain(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def test_a_caller_takes_dials_and_records_without_a_script(house: Countersign) -> None:
    desk = desk_of(house, "anna")
    assert "5 customers are to be called now" in plain(desk.get("/calls").text)
    taken = desk.fill_in("/calls", "/calls/next")
    assert "138****" in taken.text and "tel:" not in taken.text and taken.headers["cache-control"] == "no-store"
    shown = desk.post("/calls/number", data=desk.form(taken, "/calls/number"))
    number = re.search(r'href="tel:(138\d{8})"', shown.text)
    assert number and "Leave to others" not in shown.text
    form = desk.form(shown, "/calls/result")
    missing = desk.post("/calls/result", data=form | {"disposition": "accepted", "note": "from Monday"})
    assert missing.status_code == 422 and "Name the recording" in missing.text and 'value="from Monday"' in missing.text
    done = desk.post("/calls/result", data=form | {"disposition": "accepted", "evidence": "rec-1", "note": "Monday"})
    assert "Recorded: Accepted." in plain(done.text) and "4 customers are to be called now" in plain(done.text)
    again = desk.post("/calls/result", data=form | {"disposition": "accepted", "evidence": "rec-1"})
    assert again.status_code == 200
    assert ledger_of(house) == {"sent": 4, "delivered: accepted": 1}
    other = desk.post("/calls/result", data=form | {"disposition": "refused"})
    assert other.status_code == 409 and "no longer with you" in other.text


def test_a_lead_assigns_imports_and_downloads(house: Countersign) -> None:
    desk = desk_of(house, "lead")
    page = f"/calls/lists/{CASE}"
    assert "0 of 5 customers are done with" in plain(desk.get("/calls/lists").text)
    assert "3 calls changed hands" in plain(desk.fill_in(page, f"{page}/assign", person="anna", count="3").text)
    rows = f"case,customer,at,disposition\n{NUMBER},k0000000,2026-12-01T10:00,refused\n{NUMBER},k9,2026-12-01,busy\n"
    form = desk.form(desk.get(page), f"{page}/results")
    told = desk.post(f"{page}/results", data=form, files={"file": ("r.csv", rows.encode())})
    assert "new results: 1" in plain(told.text) and "Line 3, column customer: “k9” is not in the call list" in plain(
        told.text
    )
    refused = desk.fill_in(page, f"{page}/export", person="", reason="for the centre")
    assert refused.status_code == 422 and "only the calls of one person leave" in plain(refused.text)
    made = desk.fill_in(page, f"{page}/export", person="anna", reason="for the centre")
    assert made.headers["content-type"].startswith("text/csv") and len(made.headers["x-sha256"]) == 64
    assert desk.get("/calls").status_code == 404
    assert desk_of(house, "other").get(page).status_code == 404


def test_scripts_do_the_same(house: Countersign) -> None:
    desk = desk_of(house, "anna")
    answer = desk.post("/api/v1/session", json={"login": "anna", "password": "huiqian-demo"})
    bearer = {"Authorization": f"Bearer {answer.json()['token']}"}
    call = desk.post("/api/v1/calls/next", headers=bearer).json()["call"]
    assert call["phone"].startswith("138****") and call["case_number"] == NUMBER
    seen = {name: call[name] for name in ("wave", "row", "version")}
    number = desk.post("/api/v1/calls/number", headers=bearer, json=seen).json()
    assert len(number["number"]) == 11
    seen["version"] = number["call"]["version"]
    refused = desk.post("/api/v1/calls/put-back", headers=bearer, json=seen)
    assert refused.status_code == 409
    told = seen | {"disposition": "call_back", "call_back_at": "2026-12-01T15:00"}
    assert desk.post("/api/v1/calls/result", headers=bearer, json=told).json()["due"] == 4
    assert desk.get("/api/v1/calls/lists", headers=bearer).status_code == 404
    lead = desk.post("/api/v1/session", json={"login": "lead", "password": "huiqian-demo"}).json()["token"]
    bearer = {"Authorization": f"Bearer {lead}"}
    (one,) = desk.get("/api/v1/calls/lists", headers=bearer).json()["lists"]
    assert (one["open"], one["due"], one["made"]) == (5, 4, {"call_back": 1})
    moved = desk.post(f"/api/v1/calls/lists/{NUMBER}/assign", headers=bearer, json={"person": "bo", "count": 2})
    assert moved.json() == {"calls": 2}
    body = f"case,customer,at,disposition\n{NUMBER},nobody,2026-12-01T10:00,busy\n"
    report = desk.post("/api/v1/calls/results", headers=bearer, content=body.encode()).json()
    assert [(row["line"], row["column"]) for row in report["parked"]] == [(2, "customer")]
