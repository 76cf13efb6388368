"""Offers and rehearsals in a real Chromium: the pages in every state, the journey from a draft to the approver."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.service import offers, people, proposals, rehearsals
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from tests.acceptance.explained_case import FORM, drafted
from tests.acceptance.offices import key, open_task
from tests.acceptance.rehearsed_case import CODE, TERMS, by, prepared, rehearsed, tariff
from tests.api.cases import viewer
from tests.browser.looking import look, sign_in

Windows = Callable[..., Any]


def opened(page: Any) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_of_offers_are_right_empty_filled_and_wrong(app: Countersign, window: Windows, language: str) -> None:
    people.set_language(app, viewer(app, "wuqian"), "zh" if language == "zh" else "en")
    page = window()
    sign_in(page, "wuqian")
    found = []

    def see(name: str) -> None:
        opened(page)
        found.extend(look(page, f"{name}-{language}"))

    page.goto("/offers")
    see("offers-empty")
    page.goto("/new-offer")
    page.fill("[name=code]", CODE)
    page.fill("[name=name_zh]", "<script>alert(1)</script>")
    page.fill("[name=monthly_fee]", "-5")
    page.fill("[name=requires]", "c.nonsense > 1")
    page.keyboard.press("Enter")
    page.wait_for_selector("#requires-problem")
    assert page.input_value("[name=name_zh]") == "<script>alert(1)</script>"
    see("offer-wrong")
    page.fill("[name=monthly_fee]", "59")
    page.fill("[name=requires]", "c.arpu >= 38")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/offers/{CODE}")
    assert page.locator("button[value=publish]").count() == 0
    see("offer-own")
    offers.decide(app, by(app, "machao"), CODE, 1, publish=True)
    offers.propose(app, OPERATOR, CODE, TERMS, seen=1)
    page.goto(f"/offers/{CODE}")
    see("offer-waits")
    page.click("button[value=publish]")
    page.wait_for_selector("button[value=publish]", state="detached")
    see("offer-published")
    tariff(app, "voice-19", name_en="Voice 19", name_zh="语音19元", monthly_fee="19", valid_until="2027-01-31")
    page.goto("/offers?q=flow")
    see("offers")
    page.set_input_files(
        "#file", {"name": "o.csv", "mimeType": "text/csv", "buffer": b"code,kind,monthly_fee\nx y,a,-1\n"}
    )
    page.click("form[action='/offers/import'] button")
    page.wait_for_selector("[role=alert]")
    see("offers-refused")
    assert found == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_rehearsal_is_made_from_a_draft_and_found_by_the_approver(
    app: Countersign, window: Windows, language: str
) -> None:
    prepared(app)
    case_id = drafted(app)
    for login in ("wangmin", "liguoqiang"):
        people.set_language(app, viewer(app, login), "zh" if language == "zh" else "en")
    page = window()
    sign_in(page, "wangmin")
    found = []

    def see(name: str) -> None:
        opened(page)
        found.extend(look(page, f"{name}-{language}"))

    page.goto(f"/cases/{case_id}")
    see("case-unrehearsed")
    page.click("a[href^='/rehearsals/new']")
    page.fill("[name=months]", "7")
    page.keyboard.press("Enter")
    page.wait_for_selector("#months-problem")
    see("rehearsal-wrong")
    page.fill("[name=months]", "3")
    page.fill("[name=fixed_cost]", "2000")
    page.fill("[name=margin]", "40")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rehearsals/1")
    see("rehearsal")
    tariff(app, monthly_fee="69", data_gb="30")
    rehearsed(app, case=case_id, version="2")
    page.goto("/rehearsals/1?beside=2")
    see("rehearsal-beside")
    page.goto(f"/cases/{case_id}")
    see("case-rehearsed")
    proposals.submit(app, viewer(app, "wangmin"), case_id, FORM, key=key())
    other = window()
    sign_in(other, "liguoqiang")
    page = other
    page.goto(f"/tasks/{open_task(app, 'liguoqiang')}")
    see("sheet-rehearsed")
    page.click("a[href='/rehearsals/1']")
    page.wait_for_url("**/rehearsals/1")
    assert found == []


def test_rehearsals_are_made_and_compared_without_scripts(app: Countersign, window: Windows) -> None:
    prepared(app)
    page = window(390, java_script_enabled=False)
    sign_in(page, "wangmin")
    page.goto(f"/offers/{CODE}")
    page.click("a[href^='/rehearsals/new']")
    page.fill("[name=rule]", "c.arpu >= 38")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rehearsals/1")
    page.go_back()
    page.fill("[name=rule]", "c.arpu >= 38")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rehearsals/2")  # a form that was opened anew is another rehearsal, of the same figures
    first, second = (rehearsals.show(app, OPERATOR, number) for number in (1, 2))
    assert first.digest == second.digest
    page.select_option("[name=beside]", "1")
    page.click("form[action^='/rehearsals/2'] button")
    page.wait_for_url("**/rehearsals/2?beside=1*")
    assert page.locator("#beside").count() == 1
