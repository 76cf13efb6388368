"""Recommendations in the hall through page and API: for clerks alone, who see nothing else."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from engine.service.app import Countersign
from engine.store.tables import recommendations
from tests.acceptance.hall_case import SMALLER, ledger_of, placed, prepare, publish, targets
from tests.acceptance.sealed_case import phone_of
from tests.api.desk import Desk
from tests.api.test_api_customers import noted, plain
from tests.api.test_api_rest import script

Desks = Callable[..., Desk]
RECOMMENDATIONS = "/api/v1/recommendations"


@pytest.fixture
def case_id(app: Countersign) -> str:
    prepare(app)
    return placed(app)


def number_of(customer: str) -> int:
    return int(customer[1:])


def test_a_clerk_begins_at_the_hall_and_has_no_other_page_of_the_house(
    app: Countersign, case_id: str, desk: Desks
) -> None:
    clerk = desk("zhaoying")
    begun = clerk.get("/inbox")
    assert begun.url.path == "/hall" and "/hall" in begun.text
    for path in ("/cases", "/cases/new", "/calendar", "/offers", "/customers", "/groups", "/definitions", "/stand-ins"):
        assert clerk.get(path).status_code == 404, path
        assert f'href="{path}"' not in begun.text
    assert clerk.get(f"/cases/{case_id}").status_code == 404
    assert {clerk.get(path).status_code for path in ("/account", "/notifications", "/keyboard")} == {200}


def test_nobody_but_a_clerk_comes_to_the_hall(api: FastAPI, case_id: str, desk: Desks) -> None:
    for login in ("wangmin", "machao", "liguoqiang"):
        assert desk(login).get("/hall").status_code == 404
        other = script(api, login)
        assert other.get(RECOMMENDATIONS, params={"customer": "C0001"}).status_code == 404
        assert other.post(f"{RECOMMENDATIONS}/{case_id}-w1.0", json={"answer": "later"}).status_code == 404


def test_a_customer_at_the_counter_is_told_of_the_offer_and_says_yes(
    app: Countersign, case_id: str, desk: Desks
) -> None:
    customer = targets(app, case_id)[0]
    clerk = desk("zhaoying")
    page = clerk.fill_in("/hall", "/hall", customer=phone_of(number_of(customer)))
    told = plain(page.text)
    assert page.headers["cache-control"] == "no-store" and customer not in str(page.url)
    for words in ("5G plan, CNY 59", "¥59", "粤资费备2026-0815", "客**", "您好，推荐您使用新套餐"):
        assert words in told, told
    assert phone_of(number_of(customer)) not in told
    ((who, whom, _),) = noted(app, "customer_asked")
    assert (who, whom) == ("zhaoying", f"customer {customer}")
    form = clerk.form(page, "/hall/answer")
    refused = clerk.post("/hall/answer", data=form | {"confirmed_by": "code", "evidence": "<b>"})
    assert refused.status_code == 422 and "Write the code" in plain(refused.text)
    assert refused.text.count('aria-invalid="true"') == 1
    yes = clerk.post("/hall/answer", data=form | {"confirmed_by": "code", "evidence": "483920"})
    assert "Written down: accepted. It counts as a conversion." in plain(yes.text)
    assert "Nothing else to recommend" in plain(yes.text)
    assert ledger_of(app, case_id)[customer] == ("delivered", "accepted, confirmed")
    again = clerk.post("/hall/answer", data=form | {"confirmed_by": "code", "evidence": "483920"})
    assert again.status_code == 200 and "Written down: accepted" in plain(again.text)
    second = desk("zhaoying", "zh").post("/hall/answer", data=form | {"key": "another-key", "confirmed_by": ""})
    assert second.status_code in (403, 409)  # the form of another session, or too late


def test_a_page_without_a_code_says_what_the_acceptance_counts_as(app: Countersign, case_id: str, desk: Desks) -> None:
    customer, other = targets(app, case_id)[:2]
    clerk = desk("zhaoying")
    form = clerk.form(clerk.fill_in("/hall", "/hall", customer=customer), "/hall/answer")
    interest = clerk.post("/hall/answer", data=form | {"confirmed_by": "signature", "evidence": ""})
    assert "It counts as interest" in plain(interest.text)
    page = clerk.fill_in("/hall", "/hall", customer=other)
    form = clerk.form(page, "/hall/answer") | {"answer": "later", "days": "30"}
    assert "They are asked again from" in plain(clerk.post("/hall/answer", data=form).text)
    assert "1 to ask about later" in plain(clerk.fill_in("/hall", "/hall", customer=other).text)


def test_the_submitter_confirms_an_acceptance_on_the_case_page_once(
    app: Countersign, case_id: str, desk: Desks, api: FastAPI
) -> None:
    customer, other = targets(app, case_id)[:2]
    clerk = desk("zhaoying")
    for one in (customer, other):
        form = clerk.form(clerk.fill_in("/hall", "/hall", customer=one), "/hall/answer")
        told = clerk.post("/hall/answer", data=form | {"evidence": ""})
        assert "It is worth ¥59 a month." in plain(told.text)
    path = f"/cases/{case_id}"
    mine = desk("wangmin")
    page = mine.get(path, params={"tab": "delivery"})
    assert "Accepted, not confirmed yet" in page.text and customer not in page.text
    form = mine.form(page, f"{path}/evidence")
    wrong = mine.post(f"{path}/evidence", data=form | {"confirmed_by": "code", "evidence": "!!"})
    assert wrong.status_code == 422 and "Write the code" in plain(wrong.text)
    done = mine.post(f"{path}/evidence", data=form | {"confirmed_by": "code", "evidence": "4711"})
    assert done.status_code == 200 and done.text.count(f'action="{path}/evidence"') == 1
    again = mine.post(
        f"{path}/evidence", data=form | {"confirmed_by": "code", "evidence": "4712", "key": "another-one"}
    )
    assert again.status_code == 409
    last = script(api, "zhaoying").get(RECOMMENDATIONS, params={"customer": customer}).json()["unproved"]
    last += script(api, "zhaoying").get(RECOMMENDATIONS, params={"customer": other}).json()["unproved"]
    ((number, value),) = [(one["id"], one["value"]) for one in last]
    proof = {"confirmed_by": "signature", "evidence": "S-9"}
    proved = script(api, "second").post(f"{RECOMMENDATIONS}/{number}/evidence", json=proof)
    assert (proved.status_code, proved.json()["value"], value) == (200, "59.00", "59.00")
    same = script(api, "wangmin").post(f"/api/v1/cases/{case_id}/evidence", json=proof | {"recommendation": number})
    assert same.status_code == 200 and same.json() == proved.json()
    for who in ("tianhe", "liguoqiang"):
        assert script(api, who).post(f"{RECOMMENDATIONS}/{number}/evidence", json=proof).status_code == 404


def test_what_is_not_whole_or_not_there_is_told_the_same_way_and_never_echoed_as_markup(
    case_id: str, desk: Desks
) -> None:
    clerk = desk("zhaoying")
    for wrong in ("", "C00*7", "two words", "x" * 61):
        assert clerk.fill_in("/hall", "/hall", customer=wrong).status_code == 422
    answer = clerk.fill_in("/hall", "/hall", customer="<script>alert(1)</script>")
    assert "Nothing to recommend here" in answer.text and "<script>alert" not in answer.text


def test_a_program_at_the_counter_asks_and_answers_once_per_key(app: Countersign, api: FastAPI, case_id: str) -> None:
    publish(app, "pack-20", **SMALLER)
    other = placed(app, offer="pack-20", title="流量包")
    customer = next(one for one in targets(app, case_id) if one in targets(app, other))
    clerk, second = script(api, "zhaoying"), script(api, "second")
    found = clerk.get(RECOMMENDATIONS, params={"customer": customer})
    assert found.status_code == 200 and found.headers["cache-control"] == "no-store"
    dear, cheap = found.json()["recommendations"]
    assert (dear["offer"]["code"], dear["value"], cheap["offer"]["code"]) == ("plan-59", "59.00", "pack-20")
    assert found.json()["customer"] == "C**" and customer not in found.text
    yes = {"answer": "accept", "confirmed_by": "signature", "evidence": "S-2026/17"}
    key = {"Idempotency-Key": "counter-1-483920"}
    answers = [clerk.post(f"{RECOMMENDATIONS}/{dear['id']}", json=yes, headers=key) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200] and answers[0].json() == answers[1].json()
    assert answers[0].json()["counts_as"] == "conversion"
    late = second.post(f"{RECOMMENDATIONS}/{dear['id']}", json={"answer": "refuse", "reason": "price"})
    assert late.status_code == 409 and "赵颖" in late.json()["detail"]
    wrong = clerk.post(f"{RECOMMENDATIONS}/{cheap['id']}", json={"answer": "refuse", "reason": "because"})
    assert wrong.status_code == 422 and wrong.json()["problems"][0]["at"] == "reason"
    stranger = script(api, "tianhe").post(f"{RECOMMENDATIONS}/{cheap['id']}", json={"answer": "later"})
    assert stranger.status_code == 404
    with app.db.read() as tx:
        rows = tx.execute(
            sa.select(recommendations.c.answer, recommendations.c.evidence, recommendations.c.office)
        ).all()
    assert sorted(tuple(row) for row in rows) == [("", "", "440111"), ("accept", "S-2026/17", "440111")]
