"""Signing in and my account in a browser: a newcomer, a second factor, a provider, an expired session."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest

from engine import clock
from engine.cli.demo.people import PASSWORD
from engine.service import passwords, people, tokens
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.store import credentials
from tests.browser.looking import faults, overflow, sign_in
from tests.servers.provider import provider_process

NEW = "夜雨十年灯 jiang hu"
SIZES = (390, 1280)
Windows = Callable[..., Any]


def look(page: Any, name: str) -> None:
    """No faults and no sideways scroll at each width; a picture of each where a folder for them is named."""
    pictures = os.environ.get("PICTURES", "")
    for width in SIZES:
        page.set_viewport_size({"width": width, "height": 800})
        assert overflow(page) == 0, f"{name} at {width}"
        if pictures:
            page.screenshot(path=f"{pictures}/{name}-{width}.png", full_page=True)
    assert faults(page) == []
    page.set_viewport_size({"width": 320, "height": 800})
    assert overflow(page) == 0, f"{name} at 320"
    page.set_viewport_size({"width": 390, "height": 800})


@pytest.fixture(params=["zh", "en"])
def language(request: pytest.FixtureRequest, app: Countersign) -> Any:
    """Each language; 王敏 reads it."""
    people.set_language(app, people.viewer_named(app, "wangmin"), request.param)
    return request.param


def locale(language: str) -> str:
    return "zh-CN" if language == "zh" else "en-GB"


def test_a_newcomer_signs_in_on_a_phone_without_javascript(app: Countersign, window: Windows, language: str):
    with app.db.begin() as tx:
        credentials.set_password(tx, "wangmin", passwords.hashed("given-by-office"), must_change=True)
    page = window(390, locale=locale(language), java_script_enabled=False)
    page.goto("/sign-in")
    page.fill("#login", "wangmin")
    page.fill("#password", "given-by-office")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/step**")
    page.fill("#new", "wangmin123")
    page.fill("#again", "different")
    page.keyboard.press("Enter")
    page.wait_for_selector(".problem")
    assert page.locator(".problem").count() == 2
    page.fill("#new", NEW)
    page.keyboard.press("Tab")
    page.keyboard.type(NEW)
    page.keyboard.press("Enter")
    page.wait_for_url("**/inbox")
    assert ("退出" if language == "zh" else "Sign out") in page.content()


def test_pages_before_there_is_a_session(app: Countersign, window: Windows, language: str):
    page = window(390, locale=locale(language))
    page.goto("/sign-in")
    look(page, f"sign-in-{language}")
    page.fill("#login", "wangmin")
    page.fill("#password", "wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector(".alert")
    look(page, f"sign-in-wrong-{language}")
    link = passwords.reset_link(app, OPERATOR, "wangmin")
    page.goto(f"/reset/{link.token}")
    look(page, f"reset-{language}")
    page.fill("#new", "short")
    page.fill("#again", "other")
    page.keyboard.press("Enter")
    page.wait_for_selector(".problem")
    look(page, f"reset-wrong-{language}")
    page.fill("#new", "given-by-office-9")
    page.fill("#again", "given-by-office-9")
    page.keyboard.press("Enter")
    page.wait_for_selector(".alert.go")
    look(page, f"reset-done-{language}")
    page.goto(f"/reset/{link.token}")
    look(page, f"reset-over-{language}")
    with app.db.begin() as tx:
        credentials.set_password(tx, "wangmin", passwords.hashed("given-by-office"), must_change=True)
    page.goto("/sign-in")
    page.fill("#login", "wangmin")
    page.fill("#password", "given-by-office")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/step**")
    look(page, f"first-password-{language}")


def test_my_account_with_a_second_factor(app: Countersign, window: Windows, language: str, tmp_path: Path):
    page = window(1280)
    sign_in(page, "wangmin")
    page.goto("/account")
    look(page, f"account-{language}")
    page.goto("/account/password")
    look(page, f"password-{language}")
    page.goto("/account/second-factor")
    page.locator("summary").last.click()
    secret = page.locator("code").inner_text()
    look(page, f"second-factor-{language}")
    page.fill("#code", "1")
    page.keyboard.press("Enter")
    page.wait_for_selector(".alert.stop")
    page.fill("#code", pyotp.TOTP(secret).at(app.now()))
    page.keyboard.press("Enter")
    page.wait_for_selector(".recovery")
    look(page, f"recovery-{language}")
    page.locator("a.main").click()
    page.wait_for_url("**/account")
    page.goto("/account/tokens/new")
    look(page, f"token-{language}")
    page.fill("#name", "x")
    page.locator("input[type=checkbox]").first.uncheck()
    page.keyboard.press("Enter")
    page.wait_for_selector(".problem")
    look(page, f"token-wrong-{language}")
    page.locator("input[type=checkbox]").first.check()
    page.locator("main button").click()
    page.wait_for_selector("pre")
    look(page, f"token-made-{language}")
    for number in range(2):
        name = "每晚报表 <script>alert(1)</script>" if number else "nightly report"
        tokens.make(app, people.viewer_named(app, "wangmin"), name=name, scopes=tokens.SCOPES, days=7)
    people.sign_in(app, "wangmin", PASSWORD, address="10.20.30.40", browser="curl/8.1")
    page.goto("/account?done=password")
    look(page, f"account-full-{language}")
    clock.move(tmp_path / "clock", timedelta(minutes=20))
    page.goto("/account/tokens/new")
    page.wait_for_url("**/confirm**")
    look(page, f"confirm-{language}")


def test_the_code_is_asked_at_sign_in_by_keyboard(app: Countersign, window: Windows, tmp_path: Path):
    from engine.service import second_factor

    setup = second_factor.prepare(app, "wangmin")
    totp = pyotp.TOTP(setup.secret)
    second_factor.switch_on(app, people.viewer_named(app, "wangmin"), setup.sealed, totp.at(app.now()))
    clock.move(tmp_path / "clock", timedelta(seconds=60))
    page = window(390, java_script_enabled=False)
    page.goto("/sign-in?next=/cases")
    page.wait_for_selector("#login:focus")
    page.keyboard.type("wangmin")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/step**")
    page.wait_for_selector("#code:focus")
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/code")
    assert page.locator(".alert.stop").count() == 1
    page.wait_for_selector("#code:focus")
    page.keyboard.type(totp.at(app.now()))
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases")


def test_an_expired_session_keeps_what_was_typed(app: Countersign, window: Windows, language: str, tmp_path: Path):
    page = window(390)
    sign_in(page, "wangmin")
    page.goto("/cases/new")
    page.locator("form[action='/cases'] button").first.click()
    page.wait_for_url("**/cases/*/edit**")
    page.fill("#field-title", "国庆 <script>alert(1)</script>")
    clock.move(tmp_path / "clock", timedelta(hours=13))
    page.locator("button[name=action][value=save]:not(.hidden)").click()
    page.wait_for_selector("#password")
    look(page, f"expired-{language}")
    page.fill("#login", "wangmin")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/resume/**")
    look(page, f"resume-{language}")
    page.locator("main button").click()
    page.wait_for_url("**/cases/*/edit**")
    assert page.input_value("#field-title") == "国庆 <script>alert(1)</script>"


@pytest.fixture
def provided(app: Countersign, tmp_path: Path, issuer: str) -> Iterator[str]:
    """A server of its own process, with a provider to sign in with."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    ours = {"COUNTERSIGN_HOME": str(tmp_path), "COUNTERSIGN_DATABASE_URL": f"sqlite:///{tmp_path / 'case.db'}"}
    ours |= {"COUNTERSIGN_OIDC_ISSUER": issuer, "COUNTERSIGN_OIDC_CLIENT_ID": "countersign"}
    ours |= {"COUNTERSIGN_OIDC_CLIENT_SECRET": "between us", "COUNTERSIGN_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    command = [sys.executable, "-m", "api", "--port", str(port)]
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=kept | ours, stdout=subprocess.PIPE, stderr=log, text=True)
        assert server.stdout is not None
        yield server.stdout.readline().removeprefix("ready ").strip()
        server.terminate()
        server.communicate(timeout=30)


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def issuer() -> Iterator[str]:
    """A real provider in a process of its own, which knows 王敏."""
    with provider_process({"sub": "1001", "preferred_username": "wangmin"}, {"sub": "1002"}) as running:
        yield running


def test_signing_in_with_the_provider_leads_there_and_back(issuer: str, provided: str, chromium: Any):
    """In a window of its own: it goes to another host, which asks its looks of a third one that is out of reach."""
    context = chromium.new_context(viewport={"width": 390, "height": 800}, base_url=provided)
    context.route(lambda url: not url.startswith("http://127.0.0.1"), lambda route: route.abort())
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda line: refused.append(line.text) if "Content Security Policy" in line.text else None)
    try:
        page.goto("/sign-in?next=/cases")
        look(page, "sign-in-provider")
        page.locator("a[href^='/sign-in/provider']").click()
        page.wait_for_url(f"{issuer}/**")
        page.locator("button[value='1001']").click()
        page.wait_for_url("**/cases")
        assert "王敏" in page.content()
        page.locator("form[action='/sign-out'] button").click()
        page.wait_for_url("**/sign-in")
        page.locator("a[href^='/sign-in/provider']").click()
        page.locator("button[value='1002']").click()
        page.wait_for_selector(".alert.stop")
        assert page.url.startswith(f"{provided}/sign-in/provider/back")
        look(page, "provider-unknown")
        page.locator("a[href^='/sign-in/provider']").click()
        page.locator("button[value='deny']").click()
        page.wait_for_selector(".alert.stop")
        assert refused == []
    finally:
        context.close()
