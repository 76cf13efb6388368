"""Arbitration in a real Chromium: run, supposed otherwise, committed; and what the submitter reads of it."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.service import arbitration_views, people
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from tests.acceptance.arbitrated_case import published, submitted
from tests.api.cases import viewer
from tests.browser.looking import look, sign_in

Windows = Callable[..., Any]
POLICY = {"caps": [{"most": 1, "within": "7d", "channel": "sms"}], "capacity": {"sms": 1000}}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_are_right_empty_wrong_run_and_committed(app: Countersign, window: Windows, language: str) -> None:
    for login in ("machao", "wangmin"):
        people.set_language(app, viewer(app, login), "zh" if language == "zh" else "en")
    page = window()
    sign_in(page, "machao")
    page.goto("/arbitration")
    page.focus("main form button.main")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    found = look(page, f"arbitration-empty-{language}")
    published(app, POLICY)
    first = submitted(app, rank=5, least=80)
    submitted(app, "emily", rank=1, least=20, title="冬季语音包")
    page.goto("/arbitration")
    page.focus("main form button.main")
    page.keyboard.press("Enter")
    page.wait_for_url("**/arbitration/1")
    found += look(page, f"arbitration-run-{language}")
    name = f"[name='priority.{first}']"
    page.fill(name, "low")
    page.press(name, "Enter")
    page.wait_for_selector("[aria-invalid]")
    assert page.input_value(name) == "low"
    found += look(page, f"arbitration-wrong-{language}")
    page.fill(name, "0")
    page.press(name, "Enter")
    page.wait_for_url("**/arbitration/2#beside")
    found += look(page, f"arbitration-beside-{language}")
    page.focus("details.confirm summary")
    page.keyboard.press("Enter")
    page.click("details.confirm button.go")
    page.wait_for_url("**/arbitration/2")
    found += look(page, f"arbitration-committed-{language}")
    page.goto("/arbitration")
    found += look(page, f"arbitration-list-{language}")
    page.context.clear_cookies()
    sign_in(page, "wangmin")
    page.goto(f"/cases/{first}?tab=customers")
    found += look(page, f"arbitration-case-{language}")
    assert found == []


def test_it_is_run_and_committed_without_scripts(app: Countersign, window: Windows) -> None:
    published(app, POLICY)
    submitted(app, rank=5, least=80)
    page = window(390, java_script_enabled=False)
    sign_in(page, "machao")
    page.goto("/arbitration")
    page.click("main form button.main")
    page.wait_for_url("**/arbitration/1")
    page.click("details.confirm summary")
    page.click("details.confirm button.go")
    page.wait_for_selector(".pill.go")
    (run,) = arbitration_views.listed(app, OPERATOR)
    assert run.committed_at and run.committed_by == "马超"
