"""The clerk's page in a real Chromium: empty, refused, several recommendations, answered; by keyboard, no scripts."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine.service import people
from engine.service.app import Countersign
from engine.values import Language
from tests.acceptance.hall_case import SMALLER, ledger_of, placed, prepare, publish, targets
from tests.acceptance.sealed_case import phone_of
from tests.api.cases import viewer
from tests.browser.looking import look, sign_in, wrong_at_any_width

Windows = Callable[..., Any]
LONG = "<b>推荐</b>{name}" + "长" * 90


def beside(work: Callable[..., str], *given: Any) -> str:
    """Done in a thread of its own: the event loop of this one is Playwright's, and a delivery brings its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work, *given).result()


def ready(app: Countersign) -> str:
    """A customer with three recommendations: a tariff, a package with markup, an offer that is not whole."""
    prepare(app)
    publish(app, "pack-20", **SMALLER | {"name_zh": "<i>20GB</i> 流量包"})
    publish(app, "bare", name_zh="老用户专享", name_en="For old customers", filing_number="", valid_until="")
    made = [
        placed(app),
        placed(app, offer="pack-20", title="流量包", script=LONG),
        placed(app, offer="bare", title="专享"),
    ]
    first, *others = (set(targets(app, one)) for one in made)
    return min(first.intersection(*others))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(app: Countersign, window: Windows, language: Language) -> None:
    customer = beside(ready, app)
    people.set_language(app, viewer(app, "zhaoying"), language)
    page = window()
    sign_in(page, "zhaoying")
    found = look(page, f"hall-empty-{language}")
    for asked in ("C0*7", "C9", customer):
        page.fill("#customer", asked)
        page.click("form[role=search] button.main")
        page.wait_for_selector("main [role=alert], main [role=status], #who")
        found += wrong_at_any_width(page)
    assert page.locator("main article").count() == 3 and page.locator("main article b, main article i").count() == 0
    found += look(page, f"hall-found-{language}")
    page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
    found += look(page, f"hall-open-{language}")
    page.fill("#evidence1", "!!")
    page.click("main article button.go")
    page.wait_for_selector("main article .problem")
    found += look(page, f"hall-wrong-{language}")
    page.fill("#evidence1", "")
    page.click("main article button.go")
    page.wait_for_selector("#pevidence1")
    page.fill("#pevidence1", "!!")
    page.click("form[action='/hall/evidence'] button")
    page.wait_for_selector("#pevidence1-problem")
    found += look(page, f"hall-unproved-{language}")
    page.fill("#pevidence1", "483920")
    page.click("form[action='/hall/evidence'] button")
    page.wait_for_selector("main .alert.go")
    page.locator("main article details summary").nth(1).click()
    page.locator("main article details[open] button").nth(1).click()
    page.wait_for_selector("main section details")
    found += look(page, f"hall-later-{language}")
    assert found == []


@pytest.mark.parametrize("scripts", [True, False])
def test_a_clerk_answers_by_keyboard_on_a_phone_with_and_without_scripts(
    app: Countersign, window: Windows, scripts: bool
) -> None:
    prepare(app)
    case_id = beside(placed, app)
    customer = targets(app, case_id)[0]
    page = window(390, java_script_enabled=scripts)
    sign_in(page, "zhaoying")
    page.focus("#customer")
    page.keyboard.type(phone_of(int(customer[1:])))
    page.keyboard.press("Enter")
    page.wait_for_selector("#who")
    assert page.url.endswith("/hall") and phone_of(int(customer[1:])) not in page.inner_text("main")
    page.focus("#evidence1")
    page.keyboard.type("483920")
    page.keyboard.press("Enter")
    page.wait_for_selector("main .alert.go")
    assert ledger_of(app, case_id)[customer] == ("delivered", "accepted, confirmed")
