"""The customer query and waivers in a real Chromium: empty, refused, filled; by keyboard, without scripts."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.service import people, suppressing
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from tests.acceptance.sealed_case import phone_of, started
from tests.api.cases import viewer
from tests.browser.looking import sign_in, wrong_at_any_width

Windows = Callable[..., Any]
LONG = "<b>客户</b>" + "长" * 180


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(app: Countersign, window: Windows, language: str) -> None:
    people.set_language(app, viewer(app, "machao"), "zh" if language == "zh" else "en")
    started(app)
    suppressing.add(app, OPERATOR, kind="grey", customer="C0007", reason=LONG, last="2030-01-01")
    page = window()
    sign_in(page, "machao")
    page.goto("/customers")
    found = wrong_at_any_width(page)
    for asked in ("C0*7", "C9", "C0007"):
        page.fill("#customer", asked)
        page.click("form[role=search] button.main")
        page.wait_for_selector("main [role=alert], main [role=status], #who")
        if asked == "C0007":
            page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
        found += wrong_at_any_width(page)
    page.fill("#reason", "回访")
    page.click("main details button.stop")
    page.wait_for_selector("main section[role=status]")
    assert phone_of(7) in page.inner_text("main")
    found += wrong_at_any_width(page)
    assert found == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_waivers_have_no_faults_empty_refused_and_filled(app: Countersign, window: Windows, language: str) -> None:
    for login in ("machao", "wangmin"):
        people.set_language(app, viewer(app, login), "zh" if language == "zh" else "en")
    case_id = started(app)
    suppressing.add(app, OPERATOR, kind="grey", customer="C0007", reason=LONG)
    page = window()
    sign_in(page, "wangmin")
    page.goto(f"/waivers?case={case_id}")
    found = wrong_at_any_width(page)
    page.fill("#customer", "C0001")
    page.fill("#reason", LONG)
    page.click("main button.main")
    page.wait_for_selector("main [role=alert]")
    found += wrong_at_any_width(page)
    page.fill("#customer", "")
    page.fill("#grey_reason", LONG)
    page.press("#reason", "Enter")
    page.wait_for_selector("main li .pill")
    other = window()
    sign_in(other, "machao")
    other.goto("/waivers")
    found += wrong_at_any_width(other)
    other.click("main form.buttons button.go")
    other.wait_for_selector("main .pill.go")
    found += wrong_at_any_width(other)
    assert found == []


@pytest.mark.parametrize("scripts", [True, False])
def test_a_customer_is_asked_about_by_keyboard_with_and_without_scripts(
    app: Countersign, window: Windows, scripts: bool
) -> None:
    started(app)
    page = window(390, java_script_enabled=scripts)
    sign_in(page, "machao")
    page.goto("/customers")
    page.focus("#customer")
    page.keyboard.type(phone_of(7))
    page.keyboard.press("Enter")
    page.wait_for_selector("#who")
    assert phone_of(7) not in page.url and phone_of(7) not in page.inner_text("main")
    page.focus("main details summary")
    page.keyboard.press("Enter")
    page.focus("#reason")
    page.keyboard.type("回访")
    page.keyboard.press("Enter")
    page.wait_for_selector("main section[role=status]")
    assert phone_of(7) in page.inner_text("main")
