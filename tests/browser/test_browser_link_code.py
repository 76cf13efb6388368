"""A link on a new device, opened by a code from the mail: on a phone, by keyboard, without scripts, in zh and en."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.service import effects, people
from engine.service.app import Countersign
from engine.service.effects import Notice
from engine.settings import Settings
from tests.browser.looking import look
from tests.security import small_cases

Windows = Callable[..., Any]


@pytest.fixture
def app(staffed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    """The application where mail is sent."""
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    shutil.copy(staffed, tmp_path / "case.db")
    url, mail = f"sqlite:///{tmp_path / 'case.db'}", "mailto://127.0.0.1:1?to={to}"
    opened = Countersign.open(Settings(home=tmp_path, database_url=url, mail_url=mail))
    yield opened
    opened.close()


def delivered(app: Countersign) -> list[Notice]:
    """What would be mailed now."""
    sent: list[Notice] = []
    while effects.work(app, sent.append).any:
        pass
    return sent


@pytest.fixture(params=["zh", "en"])
def language(request: pytest.FixtureRequest, app: Countersign) -> str:
    people.set_language(app, people.viewer_named(app, "liguoqiang"), request.param)
    return str(request.param)


@pytest.fixture
def path(app: Countersign, language: str) -> str:
    """The address of a link that was mailed."""
    small_cases.published(app, "small-case")
    small_cases.submitted(app, "small-case")
    [link] = [one.link for one in delivered(app) if one.person == "liguoqiang"]
    return "/l/" + link.rsplit("/l/", 1)[1]


def locale(language: str) -> str:
    return "zh-CN" if language == "zh" else "en-GB"


def test_a_code_opens_a_link_by_keyboard_and_without_scripts(
    app: Countersign, window: Windows, path: str, language: str
):
    page = window(390, locale=locale(language), java_script_enabled=False)
    page.goto(path)
    page.locator(f"form[action='{path}/code'] button").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#code:focus")
    page.keyboard.type("000")
    page.keyboard.press("Enter")
    page.wait_for_selector(".alert.stop")
    page.wait_for_selector("#code:focus")
    [notice] = [one for one in delivered(app) if one.code]
    page.keyboard.type(notice.code)
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/**")


def test_the_pages_of_a_code_look_right(window: Windows, path: str, language: str):
    page = window(390, locale=locale(language))
    page.goto(path)
    assert page.locator(".alert").count() == 0
    found = look(page, f"link-{language}")
    page.locator(f"form[action='{path}/code'] button").click()
    page.wait_for_url("**/code")
    found += look(page, f"code-{language}")
    page.fill("#code", "000000")
    page.keyboard.press("Enter")
    page.wait_for_selector(".alert.stop")
    assert found + look(page, f"code-wrong-{language}") == []
