"""The caller's and the lead's pages in a real Chromium: masked, dialled, refused, recorded, assigned; by keyboard,
without scripts."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.service import people
from engine.service.app import Countersign
from engine.values import Language
from tests.browser.looking import look, sign_in
from tests.faults.calling_case import calling_case, ledger_of, still
from tests.faults.delivering_case import CASE

Windows = Callable[..., Any]


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    """A case by call with everybody placed, at eleven o'clock."""
    still(monkeypatch)
    with ThreadPoolExecutor(1) as beside:  # the event loop of this thread is Playwright's
        opened = beside.submit(calling_case, sqlite_url, tmp_path / "home", customers=12).result()
    yield opened
    opened.close()


def speaks(app: Countersign, login: str, language: Language) -> None:
    people.set_language(app, people.viewer_named(app, login), language)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_desk_of_a_caller_has_no_faults(app: Countersign, window: Windows, language: Language) -> None:
    speaks(app, "bo", language)
    page = window()
    sign_in(page, "bo")
    page.goto("/calls")
    found = look(page, f"calls-due-{language}")
    page.click("form[action='/calls/next'] button")
    page.wait_for_selector("#who")
    assert page.locator("a[href^='tel:']").count() == 0
    found += look(page, f"calls-masked-{language}")
    page.click("form[action='/calls/number'] button")
    page.wait_for_selector("a[href^='tel:']")
    found += look(page, f"calls-dialled-{language}")
    page.fill("#note", "周一")
    page.click("button[value='accepted']")
    page.wait_for_selector(".problem")
    assert page.input_value("#note") == "周一"
    found += look(page, f"calls-refused-{language}")
    page.click("button[value='no_answer']")
    page.wait_for_selector("main .alert.go")
    found += look(page, f"calls-recorded-{language}")
    assert found == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_lists_of_a_lead_have_no_faults(app: Countersign, window: Windows, language: Language) -> None:
    speaks(app, "lead", language)
    page = window()
    sign_in(page, "lead")
    page.goto("/calls/lists")
    found = look(page, f"call-lists-{language}")
    page.goto(f"/calls/lists/{CASE}")
    found += look(page, f"call-list-{language}")
    page.click("button[value='evenly']")
    page.wait_for_selector("main .alert.go")
    found += look(page, f"call-list-divided-{language}")
    page.fill("#reason", "for the centre")
    page.click("form[action$='/export'] button")
    page.wait_for_selector("main [role=alert]")
    found += look(page, f"call-list-refused-{language}")
    assert found == []


@pytest.mark.parametrize("scripts", [True, False])
def test_a_caller_works_by_keyboard_on_a_phone(app: Countersign, window: Windows, scripts: bool) -> None:
    page = window(390, java_script_enabled=scripts)
    sign_in(page, "bo")
    page.goto("/calls")
    for button, seen in (
        ("form[action='/calls/next'] button", "#who"),
        ("form[action='/calls/number'] button", "a[href^='tel:']"),
        ("button[value='interested']", "main .alert.go"),
    ):
        page.focus(button)
        page.keyboard.press("Enter")
        page.wait_for_selector(seen)
    assert ledger_of(app) == {"sent": 10, "delivered: interested": 1}
