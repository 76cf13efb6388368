"""Pages in a real Chromium: axe finds nothing, nothing scrolls sideways, journeys by keyboard and without scripts."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.service import approvals, people
from engine.service.app import Countersign
from tests.acceptance import email_case
from tests.api.cases import decide, drafted, submitted, task_of, viewer
from tests.browser.looking import faults, hidden_sideways, overflow, sign_in, wrong_at_any_width

Windows = Callable[..., Any]


@pytest.fixture
def visited(app: Countersign) -> dict[str, list[str]]:
    """The pages of each person, with cases at several moments behind them."""
    returned = submitted(app, title="Returned case")
    decide(app, "liguoqiang", "return", "Budget too low")
    case_id = submitted(app)
    draft = drafted(app)
    tabs = [f"/cases/{case_id}?tab={tab}" for tab in ("proposal", "customers", "delivery", "evaluation", "history")]
    return {
        "": ["/sign-in", "/l/not-a-link"],
        "wangmin": [
            *tabs, "/inbox", "/inbox?list=mine", "/inbox?list=copied", "/cases", "/cases?q=nothing", "/cases/new",
            f"/cases/{draft}", f"/cases/{draft}/edit", f"/cases/{returned}", f"/cases/{returned}/edit", "/nowhere",
        ],
        "liguoqiang": ["/inbox", "/inbox?list=done", f"/tasks/{task_of(app, 'liguoqiang').id}"],
    }  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    app: Countersign, visited: dict[str, list[str]], window: Windows, address: str, language: str
):
    found = []
    for login, paths in visited.items():
        page = window()
        page.context.add_cookies([{"name": "language", "value": language, "url": address}])
        if login:
            people.set_language(app, viewer(app, login), "zh" if language == "zh" else "en")
            sign_in(page, login)
        for path in paths:
            page.goto(path)
            found += wrong_at_any_width(page)
    assert found == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_tabs_of_a_finished_case_have_nothing_for_axe_and_hide_nothing(
    app: Countersign, window: Windows, address: str, tmp_path: Path, language: str
):
    with ThreadPoolExecutor(1) as outside:  # Playwright keeps this thread's event loop, and sending wants its own
        case_id = outside.submit(email_case.finished, app, tmp_path, tmp_path / "clock").result()
    people.set_language(app, viewer(app, "wangmin"), "zh" if language == "zh" else "en")
    page = window()
    sign_in(page, "wangmin")
    for tab in ("proposal", "customers", "delivery", "evaluation", "history"):
        page.goto(f"/cases/{case_id}?tab={tab}")
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
            assert faults(page, more=width > 390) == []
            assert overflow(page) == 0
            assert hidden_sideways(page, ".chain-box") == 0


def test_a_form_with_problems_has_nothing_for_axe(app: Countersign, window: Windows):
    page = window(390)
    sign_in(page, "wangmin")
    page.goto(f"/cases/{drafted(app)}/edit")
    page.fill("[name=budget]", "many")
    page.click("button[value=submit]")
    page.wait_for_selector("[role=alert]")
    assert faults(page) == []
    assert page.input_value("[name=budget]") == "many"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_several_are_decided_at_once_without_scripts(app: Countersign, window: Windows, language: str):
    people.set_language(app, viewer(app, "liguoqiang"), "zh" if language == "zh" else "en")
    for n in range(3):
        submitted(app, title=f"Small case {n}", budget="30000.00")
    submitted(app, title="A large one")
    looking, page = window(), window(390, java_script_enabled=False)
    sign_in(looking, "liguoqiang")
    sign_in(page, "liguoqiang")
    for box in page.locator("[name=task]").all()[1:]:
        box.check()
    page.click(".pick-bar button")
    page.wait_for_url("**/inbox/decisions?*")
    for path in ("/inbox", page.url):
        looking.goto(path)
        assert wrong_at_any_width(looking) == []
    assert page.locator("form.stack [name=task]").count() == 2
    page.fill("[name=remark]", "ok")
    page.click("button.filled")
    assert page.locator(".pill.go").count() == 2
    assert overflow(page) == 0
    assert len(approvals.inbox(app, viewer(app, "liguoqiang")).to_do) == 2


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_told_of_a_flagged_case_has_nothing_for_axe(app: Countersign, window: Windows, language: str):
    people.set_language(app, viewer(app, "liguoqiang"), "zh" if language == "zh" else "en")
    for n in range(2):
        submitted(app, title=f"Piece {n}", budget="49000.00")
    case_id = submitted(app, title="The last piece", budget="49000.00")
    task = next(task.id for task in approvals.inbox(app, viewer(app, "liguoqiang")).to_do if task.case.id == case_id)
    page = window(390)
    sign_in(page, "liguoqiang")
    for path in ("/inbox", f"/tasks/{task}", f"/cases/{case_id}"):
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
        assert faults(page) == []
        page.set_viewport_size({"width": 320, "height": 800})
        assert overflow(page) == 0
        page.set_viewport_size({"width": 390, "height": 800})


def test_the_decision_bar_is_in_reach_without_scrolling_and_big_enough_to_touch(app: Countersign, window: Windows):
    submitted(app)
    page = window(390)
    sign_in(page, "liguoqiang")
    page.goto(f"/tasks/{task_of(app, 'liguoqiang').id}")
    for name in ("return", "reject", "approve"):
        box = page.locator(f"button[value={name}]").bounding_box()
        assert box["height"] >= 48
        assert box["y"] + box["height"] <= 800


def test_what_is_typed_is_saved_without_a_button(app: Countersign, window: Windows):
    case_id = drafted(app)
    page = window()
    sign_in(page, "wangmin")
    page.goto(f"/cases/{case_id}/edit")
    page.fill("[name=title]", "Typed and left")
    page.wait_for_selector("[data-saved]:has-text('已保存')", timeout=20_000)
    page.goto(f"/cases/{case_id}/edit")
    assert page.input_value("[name=title]") == "Typed and left"
