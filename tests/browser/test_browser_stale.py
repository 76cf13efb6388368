"""A stale list in a real Chromium: why the wave waits, selected again, let go with a reason."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import clock
from engine.definition.load import load
from engine.service import people
from engine.service.app import Countersign
from tests.acceptance.group_case import approved, loaded, saved, submitted
from tests.acceptance.offices import in_force, notices, state_of
from tests.acceptance.test_stale_lists import MINORS, STALE, sent
from tests.api.cases import viewer
from tests.browser.looking import look, sign_in

Windows = Callable[..., Any]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_stale_list_is_told_selected_again_and_let_go(
    app: Countersign, window: Windows, tmp_path: Path, language: str
) -> None:
    people.set_language(app, viewer(app, "wangmin"), "zh" if language == "zh" else "en")
    loaded(app)
    in_force(app, load(STALE))
    saved(app, "vip", {"rule": "c.arpu >= 80"})
    saved(app, "minors", MINORS)
    case_id = submitted(app, reach=10)
    approved(app)
    saved(app, "vip", {"rule": "c.arpu >= 78"}, base=1)
    clock.move(tmp_path / "clock", timedelta(days=31))
    page = window()
    sign_in(page, "wangmin")
    page.goto(f"/cases/{case_id}")
    assert "vip" in page.inner_text(".alert.wait") and "31" in page.inner_text(".alert.wait")
    page.click(".actions details.confirm summary")
    found = look(page, f"stale-{language}")
    with page.expect_navigation():
        page.click("form[action$='/select'] button")
    notices(app)
    page.goto(f"/cases/{case_id}")
    assert page.query_selector(".case-head .alert.wait") is None
    page.click(".actions details.confirm summary")
    with page.expect_navigation():
        page.click("form[action$='/start'] button")
    notices(app)
    with ThreadPoolExecutor() as aside:  # Playwright's event loop has this thread
        aside.submit(sent, app).result()
        clock.move(tmp_path / "clock", timedelta(days=40))
        aside.submit(sent, app).result()
    assert state_of(app, case_id) == "paused"
    sign_in(page, "wangmin")  # the session is over by then
    page.goto(f"/cases/{case_id}?tab=delivery")
    page.click(".actions details.confirm summary")
    page.fill("#resume-reason", "<b>客户仍需要</b>")
    found += look(page, f"stale-paused-{language}")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.goto(f"/cases/{case_id}?tab=history")
    assert "<b>客户仍需要</b>" in page.inner_text("main")
    found += look(page, f"stale-history-{language}")
    assert found == []


def test_a_stale_list_is_let_go_without_scripts(app: Countersign, window: Windows, tmp_path: Path) -> None:
    loaded(app)
    in_force(app, load(STALE))
    saved(app, "vip", {"rule": "c.arpu >= 80"})
    saved(app, "minors", MINORS)
    case_id = submitted(app, reach=10)
    approved(app)
    clock.move(tmp_path / "clock", timedelta(days=31))
    page = window(390, java_script_enabled=False)
    sign_in(page, "wangmin")
    page.goto(f"/cases/{case_id}")
    page.click(".actions details.confirm summary")
    page.fill("#start-reason", "优惠明天截止")
    page.keyboard.press("Enter")
    page.wait_for_url("**tab=delivery**")
    assert state_of(app, case_id) == "delivering"
