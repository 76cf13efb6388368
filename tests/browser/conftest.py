"""A real server and a real Chromium. BROWSER_TESTS=auto skips loudly where something is missing, require fails, off."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.service.app import Countersign
from engine.settings import Settings
from tests.browser.looking import serving

MODE = os.environ.get("BROWSER_TESTS", "auto")
NAMES = (os.environ.get("CHROMIUM", ""), "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), "")
"""The headless shell spends a fifth less than Chromium: the same engine without windows."""
QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]


def missing() -> str:
    """What the browser tests lack; empty where nothing."""
    try:
        import axe_playwright_python  # noqa: F401
        import playwright  # noqa: F401
    except ImportError as error:
        return f"the Python package {error.name} (pip install '.[test]')"
    return "" if CHROMIUM else "Chromium (Debian: apt-get install chromium-headless-shell fonts-noto-cjk)"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark them all."""
    for each in items:
        if Path(__file__).parent in each.path.parents:
            each.add_marker(pytest.mark.browser)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A red banner where the browser tests could not run."""
    if MODE == "auto" and missing():
        terminalreporter.write_sep("!", f"BROWSER TESTS SKIPPED: {missing()} is missing", red=True, bold=True)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One Chromium for the tests of a file: Playwright's event loop must not outlive them in the same process."""
    if MODE == "off":
        pytest.skip("BROWSER_TESTS=off")
    if lacks := missing():
        if MODE == "require":
            pytest.fail(f"BROWSER_TESTS=require, but {lacks} is missing")
        pytest.skip(f"BROWSER TESTS SKIPPED: {lacks} is missing")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def app(staffed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    """The application on a fresh database, with a clock to move; `address` serves this one."""
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    shutil.copy(staffed, tmp_path / "case.db")
    opened = Countersign.open(Settings(home=tmp_path, database_url=f"sqlite:///{tmp_path / 'case.db'}"))
    yield opened
    opened.close()


@pytest.fixture
def address(app: Countersign) -> Iterator[str]:
    """Where a thread of this process serves the application: a process of its own takes longer to start than most
    journeys take, and is tried with the tutorial."""
    with serving(app) as found:
        yield found


@pytest.fixture
def window(chromium: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Makes windows of a width and language; fails on any script error, refused content or request off the host."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def make(width: int = 1280, **more: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": 800}, base_url=address, **more)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
        page.on("request", lambda sent: None if sent.url.startswith(address) else wrong.append(sent.url))
        return page

    yield make
    for context in contexts:
        context.close()
    assert wrong == []
