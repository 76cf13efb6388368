"""Customer query through pages and API: found by the whole number alone, masked, recorded, an address once."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from engine.service import facts, people, suppressing
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.store import people as store
from engine.store.tables import organisation_history
from tests.acceptance.explained_case import published
from tests.acceptance.offices import viewer
from tests.acceptance.sealed_case import phone_of, started
from tests.api.cases import decide, submitted
from tests.api.desk import Desk
from tests.api.test_api_rest import script
from tests.warehouse.explained_by_hand import NUMBER, id_of

Desks = Callable[..., Desk]


def plain(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def noted(app: Countersign, kind: str) -> list[tuple[str, str, str]]:
    table = organisation_history
    asked = sa.select(table.c.actor, table.c.subject, table.c.body).where(table.c.kind == kind)
    with app.db.read() as tx:
        return [tuple(row) for row in tx.execute(asked.order_by(table.c.seq))]


@pytest.fixture
def admin(app: Countersign, desk: Desks) -> Desk:
    people.set_language(app, viewer(app, "machao"), "en")
    return desk("machao")


def asked(desk: Desk, customer: str) -> Any:
    return desk.fill_in("/customers", "/customers", customer=customer)


def test_a_customer_is_found_by_number_or_phone_and_stands_masked_with_all_that_is_known(
    app: Countersign, admin: Desk
) -> None:
    started(app)
    suppressing.add(app, OPERATOR, kind="grey", customer="C0007", reason="asked for quiet")
    for wanted in ("C0007", phone_of(7)):
        answer = asked(admin, wanted)
        assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
        told = plain(answer.text)
        assert "C00**" not in told and "139****0007" in told and "客**" in told and "vip" in told
        assert "asked for quiet" in told and "waiting" in told
        assert phone_of(7) not in plain(answer.text)
    assert [(who, whom) for who, whom, _ in noted(app, "customer_asked")] == [("machao", "customer C0007")] * 2


def test_whatever_is_not_the_whole_number_finds_nobody(app: Countersign, admin: Desk) -> None:
    started(app)
    for wrong in ("", "C00*7", "two words", "x" * 61):
        refused = asked(admin, wrong)
        assert refused.status_code == 422 and "whole number" in refused.text
    for nobody in ("C00", "1391357", "<script>alert(1)</script>", "' OR 1=1 --x".replace(" ", "")):
        answer = asked(admin, nobody)
        assert "Nobody has this customer number" in answer.text and "<script>alert" not in answer.text
    assert not [whom for _, whom, _ in noted(app, "customer_asked") if "1391357" in whom]


def test_the_same_form_sent_twice_is_recorded_once(app: Countersign, admin: Desk) -> None:
    started(app)
    form = admin.form(admin.get("/customers"), "/customers") | {"customer": "C0007"}
    for _ in range(2):
        assert "139****0007" in admin.post("/customers", data=form).text
    assert len(noted(app, "customer_asked")) == 1


def test_a_phone_in_full_takes_a_reason_is_shown_once_and_recorded(app: Countersign, admin: Desk) -> None:
    started(app)
    page = asked(admin, "C0007")
    form = admin.form(page, "/customers/address")
    refused = admin.post("/customers/address", data=form | {"reason": " "})
    assert refused.status_code == 422 and phone_of(7) not in refused.text
    assert noted(app, "address_revealed") == []
    given = form | {"reason": "call back about a complaint"}
    shown = admin.post("/customers/address", data=given)
    assert phone_of(7) in shown.text and shown.headers["cache-control"] == "no-store"
    again = admin.post("/customers/address", data=given)
    assert phone_of(7) not in again.text and "shown already" in again.text
    ((who, whom, body),) = noted(app, "address_revealed")
    assert (who, whom) == ("machao", "customer C0007")
    assert "call back about a complaint" in body and '"phone"' in body and phone_of(7) not in body
    for field in ("arpu", "name", "nothing"):
        fresh = admin.form(asked(admin, "C0007"), "/customers/address") | {"reason": "curious", "field": field}
        assert admin.post("/customers/address", data=fresh).status_code == 404


def test_a_confidential_case_is_not_named_to_who_may_not_see_it(app: Countersign, admin: Desk, desk: Desks) -> None:
    submitted(app)  # a confidential one, with the number that the history of contacts names
    decide(app, "liguoqiang")
    published(app)
    with app.db.begin() as tx:
        store.add_grants(tx, [{"person": "emily", "role": "process_admin", "office": "440106"}])
    told = {"machao": plain(asked(admin, id_of(39)).text), "emily": plain(asked(desk("emily"), id_of(39)).text)}
    assert NUMBER in told["machao"]
    assert NUMBER not in told["emily"] and "flow-20g" in told["emily"]
    assert "a case that is not yours to see" in told["emily"]
    assert "Show in full" in told["machao"] and "Show in full" not in told["emily"]


def test_who_may_not_ask_is_told_that_there_is_no_such_page(app: Countersign, api: FastAPI, desk: Desks) -> None:
    for login in ("wangmin", "liguoqiang"):
        assert desk(login).get("/customers").status_code == 404
        assert script(api, login).post("/api/v1/customers/query", json={"customer": "C0007"}).status_code == 404
        wanted = {"customer": "C0007", "field": "phone", "reason": "x"}
        assert script(api, login).post("/api/v1/customers/address", json=wanted).status_code == 404
    assert noted(app, "customer_asked") == []


def test_scripts_get_the_same_and_are_stopped_when_they_ask_too_much(app: Countersign, api: FastAPI) -> None:
    started(app)
    admin = script(api, "machao")
    answer = admin.post("/api/v1/customers/query", json={"customer": phone_of(7)})
    found = answer.json()
    assert (found["outcome"], found["lists"], answer.headers["cache-control"]) == ("found", ["vip"], "no-store")
    assert [one["value"] for one in found["fields"] if one["is_address"]] == ["139****0007"]
    assert phone_of(7) not in answer.text
    wanted = {"customer": "C0007", "field": "phone", "reason": "complaint"}
    key = {"Idempotency-Key": "reveal-once-1"}
    assert admin.post("/api/v1/customers/address", json=wanted, headers=key).json()["address"] == phone_of(7)
    assert admin.post("/api/v1/customers/address", json=wanted, headers=key).json()["address"] == ""
    codes = [admin.post("/api/v1/customers/query", json={"customer": "C0001"}).status_code for _ in range(60)]
    assert codes[-1] == 429 and codes[:50] == [200] * 50


def test_a_waiver_by_pages_and_by_script(app: Countersign, api: FastAPI, desk: Desks, admin: Desk) -> None:
    case_id = started(app)
    for customer in ("C0007", "C0008"):
        suppressing.add(app, OPERATOR, kind="grey", customer=customer, reason="<b>called</b> too often")
    me = desk("wangmin")
    waived = me.fill_in("/waivers", "/waivers", case=case_id, customer="C0007", reason="asked <i>for it</i>")
    assert waived.url.path == "/waivers" and "<i>for" not in waived.text and "C0007" not in plain(waived.text)
    kept = me.fill_in("/waivers", "/waivers", case=case_id, customer="C0001", reason="typed words")
    assert kept.status_code == 422 and "not on the grey list" in kept.text and "typed words" in kept.text
    assert "Grant" not in plain(waived.text).replace("Granted", "")
    one = script(api, "machao").get("/api/v1/waivers", params={"case": case_id}).json()["waivers"][0]
    assert one["state"] == "open" and one["customer"].endswith("**")
    assert me.post(f"/waivers/{one['id']}", data=me.form(me.get("/waivers"), "/waivers")).status_code == 404
    door = f"/waivers/{one['id']}"
    done = admin.post(door, data=admin.form(admin.get("/waivers"), door) | {"decision": "grant"})
    assert "granted" in plain(done.text)
    wanted = {"case": case_id, "customer": "C0008", "reason": "x"}
    made = script(api, "wangmin").post("/api/v1/waivers", json=wanted)
    assert made.status_code == 201
    assert script(api, "wangmin").post("/api/v1/waivers", json=wanted).status_code == 409
    number = made.json()["waivers"][0]["id"]
    refused = script(api, "machao").post(f"/api/v1/waivers/{number}/decision", json={"grant": False})
    assert refused.json()["waivers"][0]["state"] == "refused"
    assert script(api, "emily").get("/api/v1/waivers", params={"case": "nothing"}).status_code == 404


def test_the_customers_behind_a_dashboard_are_shown_with_masked_phones_once_recorded(
    app: Countersign, admin: Desk
) -> None:
    case_id = started(app)
    facts.refresh(app)
    answer = admin.fill_in("/dashboards/sends", "/dashboards/sends/customers", case=case_id)
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    told = plain(answer.text)
    assert "139****0007" in told and "waiting" in told
    assert not re.search(r"\b1\d{10}\b", told)
    assert [who for who, _, _ in noted(app, "customers_listed")] == ["machao"]
