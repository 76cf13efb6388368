"""The inputs of the sheet in a real Chromium, on a phone: what may be changed is changed, in both languages."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.service import people
from engine.service.app import Countersign
from tests.acceptance.amending_case import TEXT, asked, decide, publish, started
from tests.acceptance.amending_case import page as case_page
from tests.acceptance.offices import open_task, viewer
from tests.browser.looking import faults, overflow, sign_in

WIDER = (
    TEXT.partition("tests:\n")[0]
    .replace("  material:", '''\
    window: {type: daterange, label: {zh: 时间, en: Period}}
    message: {type: longtext, label: {zh: 短信, en: Message}}
  material:''')
    .replace('channels: write, "*": read', '"*": write')
)  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_an_approver_changes_the_budget_on_a_phone(
    app: Countersign, window: Callable[..., Any], language: str, scripts: bool
):
    publish(app, WIDER)
    case_id = started(app, window=["2026-12-01", "2026-12-31"], message="回复LL10办理")
    decide(app, "liguoqiang")
    people.set_language(app, viewer(app, "zhanglan"), "zh" if language == "zh" else "en")
    page = window(390, java_script_enabled=scripts)
    sign_in(page, "zhanglan")
    page.goto(f"/tasks/{open_task(app, 'zhanglan')}")
    again = "修改后须重新审批：县经理" if language == "zh" else "a change asks again: County head"
    assert page.locator(f"text={again}").count() == 3  # budget, customers and channels are material
    page.fill("[name='form.budget']", "many")
    page.click("button[value=approve]")
    page.wait_for_selector("[role=alert]")
    assert page.input_value("[name='form.budget']") == "many"
    if scripts:
        assert faults(page) == []
        for width in (390, 320):
            page.set_viewport_size({"width": width, "height": 800})
            assert overflow(page) == 0
    page.fill("[name='form.budget']", "60000")
    page.check("[name='form.channels[]'][value=hall]")
    page.click("button[value=approve]")
    page.wait_for_selector("[role=status]")
    view = case_page(app, case_id)
    changed = {one.label.en: one.now for one in view.history[0].changes}
    assert changed == {"Budget": "60000", "Channels": ["sms", "hall"]}
    assert asked(app, case_id) == {"liguoqiang"}
    if scripts:
        assert faults(page) == []
