"""The keys of the page /keyboard: where they lead, that they keep still while somebody types, and how they are turned
off."""

from collections.abc import Callable, Sequence
from typing import Any

from engine.service.app import Countersign
from tests.api.cases import submitted, task_of
from tests.browser.looking import faults, sign_in

Windows = Callable[..., Any]
FOCUSED = "document.activeElement.{}"


def focused(page: Any, what: str) -> Any:
    """An attribute of what has the focus."""
    return page.evaluate(FOCUSED.format(what))


def leads(page: Any, keys: Sequence[str]) -> None:
    """Press one key after the other; the last leads to another page."""
    *first, last = keys
    for one in first:
        page.keyboard.press(one)
    with page.expect_navigation():
        page.keyboard.press(last)


def test_letters_lead_to_places_and_up_and_down_a_list(app: Countersign, window: Windows):
    for n in (1, 2):
        submitted(app, title=f"第{n}案")
    page = window(1280)
    sign_in(page, "liguoqiang")
    rows = page.locator("main a.row-link")
    for pressed, at in (("j", 0), ("j", 1), ("j", 1), ("k", 0)):
        page.keyboard.press(pressed)
        assert rows.nth(at).evaluate("row => row === document.activeElement")
    page.keyboard.press("x")
    assert page.locator("main li input[type=checkbox]").first.is_checked()
    page.keyboard.press("x")
    assert not page.locator("main li input[type=checkbox]").first.is_checked()
    page.keyboard.press("/")
    assert focused(page, "name") == "q"
    page.keyboard.type("gck")  # it is typed, and leads nowhere
    assert page.input_value("main .search input[name=q]") == "gck"
    assert page.url.endswith("/inbox")
    page.locator("main h1").click()
    leads(page, "gc")
    assert page.url.endswith("/cases")
    leads(page, "gi")
    assert page.url.endswith("/inbox")
    page.keyboard.press("i")  # without g before it
    page.keyboard.press("Control+g")
    page.keyboard.press("c")
    assert page.url.endswith("/inbox")


def test_a_task_is_decided_by_letters_and_the_next_is_one_letter_away(app: Countersign, window: Windows):
    for n in (1, 2):
        submitted(app, title=f"第{n}案")
    page = window(1280)
    sign_in(page, "liguoqiang")
    page.goto(f"/tasks/{task_of(app, 'liguoqiang').id}")
    decided = page.url
    page.keyboard.press("r")
    page.keyboard.type("ran")  # a remark, and no keys
    assert page.input_value("#remark") == "ran"
    page.locator("main h1").click()
    page.keyboard.press("a")
    assert focused(page, "value") == "approve"
    leads(page, ("Enter",))
    assert page.url == decided
    leads(page, "n")
    assert "/tasks/" in page.url
    assert page.url != decided


def test_the_list_of_keys_opens_over_the_page_and_is_closed_where_one_was(app: Countersign, window: Windows):
    page = window(390)
    sign_in(page, "liguoqiang")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    assert "搜索" in page.inner_text("dialog")
    assert faults(page) == []
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert page.url.endswith("/inbox")


def test_keys_are_turned_off_and_on_again_in_one_browser(app: Countersign, window: Windows):
    page, other = window(1280), window(1280)
    for each in (page, other):
        sign_in(each, "liguoqiang")
        each.goto("/keyboard")
    page.click("button[name=keys][value=off]")
    page.wait_for_selector("button[name=keys][value=on]")
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.keyboard.press("?")
    assert page.locator("dialog").count() == 0
    assert page.url.endswith("/keyboard")
    leads(other, "gi")
    page.click("button[name=keys][value=on]")
    page.wait_for_selector("button[name=keys][value=off]")
    leads(page, "gi")
    assert page.url.endswith("/inbox")
