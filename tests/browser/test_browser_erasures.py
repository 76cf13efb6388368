"""Erasures in a real Chromium: empty, refused, waiting, done, the certificate; by keyboard, without scripts."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.service import erasing, forgetting, people
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from tests.acceptance.sealed_case import frozen
from tests.api.cases import viewer
from tests.browser.looking import look, sign_in

Windows = Callable[..., Any]
LONG = "<b>客户</b>" + "长" * 180


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(app: Countersign, window: Windows, language: str) -> None:
    people.set_language(app, viewer(app, "machao"), "zh" if language == "zh" else "en")
    frozen(app)
    page = window()
    sign_in(page, "machao")
    page.goto("/erasures")
    found = look(page, f"erasures-empty-{language}")
    page.fill("#customer", "C0007")
    page.fill("#typed", "C0008")
    page.fill("#reason", LONG)
    page.click("main form.stack button.stop")
    page.wait_for_selector("main [role=alert]")
    found += look(page, f"erasures-refused-{language}")
    page.fill("#typed", "C0007")
    page.press("#typed", "Enter")
    page.wait_for_selector("main li .pill.wait")
    number = erasing.ask(app, OPERATOR, customer="C0009", typed="C0009", reason="asked")
    page.goto("/erasures")
    found += look(page, f"erasures-waiting-{language}")
    page.click(f"main form[action='/erasures/{number}'] button.stop")
    page.wait_for_selector(f"main form[action='/erasures/{number}']", state="detached")
    found += look(page, f"erasures-running-{language}")
    assert forgetting.catch_up(app) == 1
    page.reload()
    found += look(page, f"erasures-done-{language}")
    page.click("main h2 a")
    page.wait_for_selector("main .facts-list")
    found += look(page, f"erasures-certificate-{language}")
    assert found == []


@pytest.mark.parametrize("scripts", [True, False])
def test_a_customer_is_erased_by_keyboard_with_and_without_scripts(
    app: Countersign, window: Windows, scripts: bool
) -> None:
    frozen(app)
    page = window(390, java_script_enabled=scripts)
    sign_in(page, "machao")
    page.goto("/customers")
    page.fill("#customer", "C0007")
    page.keyboard.press("Enter")
    page.wait_for_selector("#who")
    page.focus("main details:has(#erase-typed) summary")
    page.keyboard.press("Enter")
    page.focus("#erase-typed")
    page.keyboard.type("C0007")
    page.focus("#erase-reason")
    page.keyboard.type("客户要求")
    page.keyboard.press("Enter")
    page.wait_for_selector("main li .pill.wait")
    (waiting,) = erasing.listed(app, OPERATOR)
    assert waiting.state == "open" and "C0007" not in page.url
    erasing.decide(app, OPERATOR, waiting.number, confirm=True)
    assert forgetting.catch_up(app) == 1
    page.reload()
    page.focus("main h2 a")
    page.keyboard.press("Enter")
    page.wait_for_selector("main .facts-list")
    assert "C0007" not in page.inner_text("main")
