"""Erasures through pages and API: typed out, refused with what was typed kept, confirmed by another, certified."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI

from engine.service import erasing, forgetting, people
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.store import people as store
from tests.acceptance.offices import viewer
from tests.acceptance.sealed_case import frozen, phone_of
from tests.api.desk import Desk
from tests.api.test_api_customers import plain
from tests.api.test_api_rest import script

Desks = Callable[..., Desk]


@pytest.fixture
def admins(app: Countersign, desk: Desks) -> tuple[Desk, Desk]:
    """Two administrators, who read English."""
    with app.db.begin() as tx:
        store.add_grants(tx, [{"person": "xuwen", "role": "administrator", "office": "440000"}])
    for login in ("machao", "xuwen"):
        people.set_language(app, viewer(app, login), "en")
    return desk("machao"), desk("xuwen")


def test_asked_for_on_the_page_of_the_customer_confirmed_by_another_and_certified(
    app: Countersign, admins: tuple[Desk, Desk], desk: Desks
) -> None:
    frozen(app)
    first, second = admins
    found = first.fill_in("/customers", "/customers", customer=phone_of(7))
    form = first.form(found, "/erasures")
    wrong = first.post("/erasures", data=form | {"typed": "C0008", "reason": "typed <b>words</b>"})
    assert wrong.status_code == 422 and "not the whole number of that customer" in wrong.text
    assert "typed &lt;b&gt;words" in wrong.text and "<b>words" not in wrong.text
    asked = first.post("/erasures", data=form | {"typed": "C0007", "reason": "asked <b>in</b> the hall"})
    told = plain(asked.text)
    assert asked.url.path == "/erasures" and "C0007" not in told and "another administrator must confirm" in told
    assert first.post("/erasures", data=form | {"typed": "C0007", "reason": "asked"}).url.path == "/erasures"
    door = f"/erasures/{erasing.listed(app, OPERATOR)[0].number}"
    assert first.get(door).status_code == 404
    own = first.post(door, data=first.form(first.get("/erasures"), door) | {"decision": "confirm"})
    assert own.status_code == 409 and "themselves" in own.text
    confirming = second.form(second.get("/erasures"), door) | {"decision": "confirm"}
    for _ in range(2):
        done = second.post(door, data=confirming)
        assert done.status_code == 200 and "goes on by itself" in plain(done.text)
    assert first.get(door).status_code == 404 and forgetting.catch_up(app) == 1
    certificate = plain(second.get(door).text)
    for said in ("Certificate of erasure 1", "Frozen lists of cases", "Imported lists", "customers/", "asked <b>in"):
        assert said in certificate
    assert "C0007" not in certificate and phone_of(7) not in certificate
    again = first.fill_in("/customers", "/customers", customer="C0007")
    assert "was erased on request: erasure 1" in plain(again.text)
    assert "erased a customer" in plain(second.get("/admin/audit").text)
    assert "0 broken" in plain(second.get("/admin/audit").text) or second.get("/admin/audit/verify").status_code == 200
    for login in ("wangmin", "liguoqiang"):
        assert desk(login).get("/erasures").status_code == 404
        assert desk(login).get(door).status_code == 404


def test_scripts_ask_decide_and_read_the_certificate(app: Countersign, api: FastAPI, admins: tuple[Desk, Desk]) -> None:
    frozen(app)
    first, second = script(api, "machao"), script(api, "xuwen")
    wanted = {"customer": "C0007", "typed": "C0007", "reason": "request 7"}
    refused = first.post("/api/v1/erasures", json=wanted | {"typed": "C0008"})
    assert refused.status_code == 422 and "C0007" not in refused.text
    made = first.post("/api/v1/erasures", json=wanted, headers={"Idempotency-Key": "erase-once-1"})
    assert made.status_code == 201 and made.json()["erasures"][0]["state"] == "open"
    assert first.post("/api/v1/erasures", json=wanted).status_code == 409
    door = f"/api/v1/erasures/{made.json()['erasures'][0]['number']}"
    assert first.get(door).status_code == 404
    assert first.post(f"{door}/decision", json={"confirm": True}).status_code == 409
    done = second.post(f"{door}/decision", json={"confirm": True}).json()["erasures"][0]
    assert done["state"] == "running" and forgetting.catch_up(app) == 1
    done = second.get("/api/v1/erasures").json()["erasures"][0]
    assert done["state"] == "done" and done["rows"] == len(done["places"]) == 3
    certificate = second.get(door)
    assert {one["path"].split("/")[0] for one in certificate.json()["files"]} == {"customers", "list_vip", "cases"}
    assert "C0007" not in certificate.text
    assert second.post(f"{door}/decision", json={"confirm": True}).status_code == 404
    assert second.post("/api/v1/customers/query", json={"customer": "C0007"}).json()["outcome"] == "erased"
    assert script(api, "wangmin").get("/api/v1/erasures").status_code == 404
