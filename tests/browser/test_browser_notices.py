"""The pages of notifications, channels and webhooks in Chromium: both languages, phone and desk, by keyboard, without
JavaScript; empty, filled and with what is wrong."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from engine.service import channels, preferences, webhooks
from engine.service.app import Countersign
from engine.service.channels import ChannelChoice
from engine.service.effects import work
from engine.service.holding import CHANNELS
from engine.service.messaging import ChannelDown, Letter
from tests.api.cases import key, submitted, viewer
from tests.browser.looking import faults, overflow, sign_in

PUBLIC = "https://93.184.216.34/hooks/" + "a-very-long-path-without-any-place-to-break-it" * 4
PAGES = ("/notifications", "/channels", "/webhooks")
Window = Callable[..., Any]


def look(page: Any, language: str) -> None:
    """No faults, in Chinese on the phone and in English on the desk; no sideways scrolling at any width."""
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert overflow(page) == 0
        if width == (390 if language == "zh" else 1280):
            assert faults(page) == []
    page.set_viewport_size({"width": 320, "height": 640})
    assert overflow(page) == 0


def speak(page: Any, language: str) -> None:
    if page.locator("html").get_attribute("lang")[:2] != language:
        page.locator(f"button[name=language][value={language}]").click()


def fill(app: Countersign) -> int:
    """Every channel open, mail down, a message given up, a webhook with a long address that failed."""
    admin = viewer(app, "machao")
    for name in CHANNELS:
        channels.set_channel(app, admin, name, ChannelChoice(is_open=True, groups=("task",)))
    made = webhooks.add(app, admin, name="营销日历", url=PUBLIC, events=["case.submitted", "case.closed"], key=key())
    webhooks.renew(app, admin, made.id, key=key())
    submitted(app)

    def refuse(letter: Letter) -> None:
        raise ChannelDown(channel=letter.channel, reason="Connection refused")

    work(app, refuse)
    with app.db.begin() as tx:
        dead = "UPDATE messages SET state = 'dead', error = 'SMTP 550 5.1.1 no such user' WHERE channel = 'email'"
        assert tx.execute(sa.text(dead)).rowcount
    return made.id


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_are_without_fault_empty_filled_and_with_what_is_wrong(
    app: Countersign, window: Window, language: str
) -> None:
    page = window()
    sign_in(page, "machao")
    speak(page, language)
    for path in PAGES:
        page.goto(path)
        look(page, language)
    number = fill(app)
    for path in (*PAGES, f"/webhooks/{number}"):
        page.goto(path)
        look(page, language)
    page.goto("/notifications")
    page.fill("#sms-to", "abc")
    page.fill("#webhook-to", "http://127.0.0.1/")
    page.click("form.stack button.main")
    assert page.locator("[aria-invalid=true]").count() == 2
    look(page, language)
    page.goto("/webhooks")
    page.fill("#url", "http://169.254.169.254/")
    page.click("button.main")
    assert page.locator("#url").input_value() == "http://169.254.169.254/"
    look(page, language)


def test_a_person_chooses_by_keyboard(app: Countersign, window: Window) -> None:
    fill(app)
    page = window(390)
    sign_in(page, "wangmin")
    page.goto("/notifications")
    page.focus("#sms-to")
    page.keyboard.type("13800001111")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # new tasks
    page.focus("#quiet_from")
    page.keyboard.type("1000PM")
    page.focus("#quiet_to")
    page.keyboard.type("0730AM")
    page.keyboard.press("Enter")
    page.wait_for_url("**/notifications?done=saved")
    wanted = preferences.shown(app, viewer(app, "wangmin")).wanted
    assert wanted.addresses["sms"].to == "13800001111"
    assert (wanted.quiet_from, wanted.quiet_to) == ("22:00", "07:30")
    assert wanted.channels["task"] == ("email", "sms")


def test_without_javascript_a_webhook_is_made_tried_and_taken_away(app: Countersign, window: Window) -> None:
    page = window(java_script_enabled=False)
    sign_in(page, "machao")
    page.goto("/webhooks")
    page.fill("#name", "calendar")
    page.fill("#url", PUBLIC)
    page.click("button.main")
    assert page.locator("code").inner_text().startswith("whsec_")
    page.click("button[value=test]")
    assert page.locator("tbody tr").count() == 1
    page.goto("/webhooks")
    page.click(".row-link")
    page.click("summary:not(.more summary)")
    page.click("button[value=remove]")
    page.wait_for_url("**/webhooks")
    assert webhooks.listed(app, viewer(app, "machao")) == ()
