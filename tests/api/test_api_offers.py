"""Offers and rehearsals by script and by form: four eyes, what is refused, who sees what, the same twice."""

from collections.abc import Callable

from fastapi import FastAPI

from engine.service import offers
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from tests.acceptance.explained_case import drafted, published
from tests.acceptance.rehearsed_case import CODE, MONTHS, TERMS, prepared, rehearsed, tariff
from tests.api.desk import Desk
from tests.api.test_api_rest import script

Desks = Callable[..., Desk]


def test_an_offer_by_script_takes_two_people(app: Countersign, api: FastAPI) -> None:
    mine, other = script(api, "zhengkai"), script(api, "wuqian")
    made = mine.post(f"/api/v1/offers/{CODE}", json={"terms": TERMS, "seen": 0})
    assert (made.status_code, made.json()["versions"][0]["state"]) == (201, "open")
    own = mine.post(f"/api/v1/offers/{CODE}/versions/1/decision", json={"publish": True})
    assert (own.status_code, own.json()["type"]) == (409, "OwnOffer")
    done = other.post(f"/api/v1/offers/{CODE}/versions/1/decision", json={"publish": True})
    assert done.json()["versions"][0]["state"] == "in_force"
    late = mine.post(f"/api/v1/offers/{CODE}", json={"terms": TERMS, "seen": 0})
    assert (late.status_code, late.json()["type"]) == (412, "OfferChanged")
    wrong = mine.post(f"/api/v1/offers/{CODE}", json={"terms": TERMS | {"data_price": "-1"}, "seen": 1})
    assert [(one["at"], one["code"]) for one in wrong.json()["problems"]] == [("data_price", "D182")]
    assert [one["code"] for one in mine.get("/api/v1/offers", params={"q": "畅享 flow"}).json()["offers"]] == [CODE]
    assert script(api, "wangmin").post(f"/api/v1/offers/{CODE}", json={"terms": TERMS, "seen": 1}).status_code == 404
    gone = other.post(f"/api/v1/offers/{CODE}/versions/1/withdrawal", json={"reason": "over"})
    assert gone.json()["versions"][0]["state"] == "withdrawn"
    again = other.post(f"/api/v1/offers/{CODE}/versions/1/withdrawal", json={"reason": "over"})
    assert again.status_code == 404


def test_a_rehearsal_by_script_is_exact_text_and_once_under_its_key(app: Countersign, api: FastAPI) -> None:
    prepared(app)
    me = script(api, "wangmin")
    body = {"offer": CODE, "version": 1, "months": 3, "rule": "c.arpu >= 38", "fixed_cost": "100", "margin": "40"}
    keyed = {"Idempotency-Key": "rehearsal-1"}
    first = me.post("/api/v1/rehearsals", json=body, headers=keyed)
    assert first.status_code == 201
    found = first.json()
    assert me.post("/api/v1/rehearsals", json=body, headers=keyed).json() == found
    assert tuple(found["line"]["months"]) == MONTHS
    assert isinstance(found["all"]["change"], str)
    sides = found["all"]["winners"]["customers"] + found["all"]["losers"]["customers"] + found["all"]["unchanged"]
    assert sides == found["all"]["known"] == sum(band["customers"] for band in found["all"]["bands"])
    assert me.get("/api/v1/rehearsals/1").json() == found
    assert [one["number"] for one in me.get(f"/api/v1/offers/{CODE}/rehearsals").json()["rehearsals"]] == [1]
    assert script(api, "liguoqiang").get("/api/v1/rehearsals/1").status_code == 404
    assert script(api, "liguoqiang").post("/api/v1/rehearsals", json=body).status_code == 404
    months = me.post("/api/v1/rehearsals", json=body | {"months": 9})
    assert (months.status_code, months.json()["problems"][0]["code"]) == (422, "D189")
    few = me.post("/api/v1/rehearsals", json=body | {"rule": "c.customer < 'C00000003'"})
    assert (few.status_code, few.json()["type"]) == (409, "TooFewCustomers")


def test_what_was_typed_stays_where_a_rehearsal_is_refused(app: Countersign, desk: Desks) -> None:
    published(app)
    tariff(app)
    me = desk("wangmin")
    empty = me.get("/rehearsals/new")
    assert "no usage yet" in empty.text
    other = desk("wuqian")
    typed = {"code": CODE, "kind": "tariff", "name_en": "Mine"}
    refused = other.fill_in("/new-offer", "/new-offer", **typed, monthly_fee="")
    assert (
        refused.status_code == 422 and "A tariff has a monthly fee" in refused.text and 'value="Mine"' in refused.text
    )
    late = other.fill_in("/new-offer", "/new-offer", **typed, monthly_fee="3")
    assert late.status_code == 412 and 'value="Mine"' in late.text
    assert offers.show(app, OPERATOR, CODE).newest == 1


def test_a_page_of_a_rehearsal_tells_no_statement_and_no_number_of_a_customer(app: Countersign, desk: Desks) -> None:
    prepared(app)
    case_id = drafted(app)
    number = rehearsed(app, case=case_id)
    page = desk("wangmin").get(f"/rehearsals/{number}")
    assert page.status_code == 200
    assert "C0000" not in page.text and str(app.settings.data) not in page.text
    assert desk("emily").get(f"/rehearsals/{number}").status_code == 404
    assert desk("wangmin").get(f"/rehearsals/{number}?beside=77").status_code == 404
    assert desk("wangmin").get("/rehearsals/99999").status_code == 404
