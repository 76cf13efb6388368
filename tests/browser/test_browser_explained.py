"""Selections explained in a real Chromium: the customers of a case, an estimate, one customer, the global holdout."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.service import holdouts, people
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from tests.acceptance.explained_case import NUMBER, asked, drafted, frozen, published
from tests.acceptance.offices import open_task
from tests.api.cases import viewer
from tests.browser.looking import look, sign_in
from tests.warehouse.explained_by_hand import id_of

Windows = Callable[..., Any]


def opened(page: Any) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_of_a_selection_have_nothing_for_axe_and_fit(
    app: Countersign, window: Windows, language: str
) -> None:
    published(app)
    case_id, draft, _ = frozen(app), drafted(app), asked(app)
    for login in ("wangmin", "liguoqiang", "machao"):
        people.set_language(app, viewer(app, login), "zh" if language == "zh" else "en")
    page = window()
    sign_in(page, "wangmin")
    found = []

    def see(name: str) -> None:
        opened(page)
        found.extend(look(page, f"{name}-{language}"))

    page.goto(f"/cases/{case_id}?tab=customers")
    see("customers")
    page.goto(f"/cases/{case_id}?tab=customers&order=household,eligible_cell,nonsense,eligible_cell")
    see("reordered")
    page.goto(f"/cases/{case_id}?tab=customers")
    page.fill("#why-customer", id_of(39))
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer")
    see("why")
    page.goto(f"/cases/{case_id}?tab=customers")
    page.fill("#why-customer", id_of(60))  # too young for the offer of its cell
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer")
    see("why-cell")
    page.fill("#why-customer", "C000****1")
    page.keyboard.press("Enter")
    page.wait_for_selector("#why-problem")
    see("why-wrong")
    page.goto(f"/cases/{draft}/edit")
    page.click("button[value=count]")
    page.wait_for_selector("#estimate")
    see("estimate")
    other = window()
    sign_in(other, "liguoqiang")
    page = other
    page.goto(f"/tasks/{open_task(app, 'liguoqiang')}")
    see("sheet")
    page.goto(f"/cases/{case_id}/approval-sheet")
    see("paper")
    assert found == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_of_the_holdout_is_right_empty_waiting_refused_and_in_force(
    app: Countersign, window: Windows, language: str
) -> None:
    people.set_language(app, viewer(app, "machao"), "zh" if language == "zh" else "en")
    page = window()
    sign_in(page, "machao")
    page.goto("/admin/holdout")
    found = look(page, f"holdout-empty-{language}")
    page.fill("[name=percent]", "much")
    page.fill("[name=reason]", "<b>why</b>")
    page.click("main form button.main")
    page.wait_for_selector("[role=alert]")
    assert page.input_value("[name=percent]") == "much"
    found += look(page, f"holdout-wrong-{language}")
    page.fill("[name=percent]", "2.5")
    page.keyboard.press("Enter")
    page.wait_for_selector(".changed-box")
    assert "confirm" not in page.inner_html(".changed-box form")
    found += look(page, f"holdout-own-{language}")
    holdouts.decide(app, OPERATOR, 1, confirm=True)
    holdouts.propose(app, OPERATOR, percent="4", reason="more", draw_anew=True)
    page.goto("/admin/holdout")
    found += look(page, f"holdout-waits-{language}")
    page.click("button[value=confirm]")
    page.wait_for_selector("[name=percent]")
    found += look(page, f"holdout-{language}")
    assert found == []
    assert [one.state for one in holdouts.versions(app, OPERATOR)] == ["in_force", "over"]


def test_another_order_is_chosen_and_a_customer_asked_about_without_scripts(app: Countersign, window: Windows) -> None:
    published(app)
    case_id = frozen(app)
    page = window(390, java_script_enabled=False)
    sign_in(page, "wangmin")
    page.goto(f"/cases/{case_id}?tab=customers&order=holdout")
    assert page.locator("#order tbody th").all_text_contents()[1].startswith("全局留白 进入 ")
    page.locator("#order a[aria-label$='上移']").first.click()
    page.wait_for_url("**order=blacklist,holdout**")
    assert page.locator("#order tbody th").all_text_contents()[1].startswith("黑名单 进入 ")
    page.fill("#why-customer", id_of(NUMBER - 1))
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer")
    assert id_of(NUMBER - 1) not in page.content() and "C0****99" in page.content()
    assert id_of(NUMBER - 1) not in page.url
