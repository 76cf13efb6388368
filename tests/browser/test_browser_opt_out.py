"""A customer's way out in a real Chromium: two buttons, on a telephone too, without scripts, in zh and en."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from engine.service.app import Countersign
from engine.service.mail_marks import opt_out_of
from engine.store import moves, suppression
from tests.api.cases import submitted
from tests.browser.looking import look

Windows = Callable[..., Any]


def written_to(app: Countersign) -> str:
    """A customer got an e-mail of a case; the path of the way out in it."""
    case = submitted(app)
    wave = f"{case}-w1"
    row = {"wave": wave, "row": 0, "case": case, "customer": "C0007", "channel": "email", "cell": "", "state": "sent"}
    with app.db.begin() as tx:
        tx.execute(
            sa.text(
                'INSERT INTO recipients (wave, "row", case_id, customer, channel, cell, state)'
                " VALUES (:wave, :row, :case, :customer, :channel, :cell, :state)"
            ),
            row,
        )
        moves.begin(tx, wave, {"sent": 1})
    return f"/opt-out/{opt_out_of(app.settings, wave, 0)}"


@pytest.mark.parametrize(("language", "width"), [("zh-CN", 390), ("en-GB", 1280)])
def test_the_button_works_by_keyboard_without_scripts(
    app: Countersign, window: Windows, language: str, width: int
) -> None:
    path = written_to(app)
    page = window(width, java_script_enabled=False, locale=language)
    page.goto(path)
    assert page.locator("main button").count() == 2
    page.focus("main button.main")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    said = "营销信息：邮件" if language == "zh-CN" else "by this channel: e-mail"
    assert said in page.inner_text("main h1")
    with app.db.read() as tx:
        assert suppression.suppressed(tx, ["C0007"], app.now(), channel="email") == {"C0007"}
        assert suppression.suppressed(tx, ["C0007"], app.now(), channel="sms") == set()
    page.focus("main button")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("main button").count() == 0
    with app.db.read() as tx:
        assert suppression.suppressed(tx, ["C0007"], app.now(), channel="sms") == {"C0007"}


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(app: Countersign, window: Windows, language: str) -> None:
    path = written_to(app)
    page = window(locale=language)
    page.goto(path)
    found = look(page, f"opt-out-{language}")
    page.click("main button.main")
    page.wait_for_selector("main button.main", state="detached")
    found += look(page, f"opt-out-done-{language}")
    page.click("main button")
    page.wait_for_selector("main form", state="detached")
    found += look(page, f"opt-out-everywhere-{language}")
    page.goto("/o/nothing-of-ours")
    found += look(page, f"opt-out-nothing-{language}")
    assert found == []
