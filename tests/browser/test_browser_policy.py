"""The contact policy in a real Chromium: proposed, refused, confirmed; what a wave says of it."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.service import people, policies
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from tests.api.cases import viewer
from tests.browser.looking import look, sign_in

Windows = Callable[..., Any]
SECOND = {
    "caps": [{"most": 3, "within": "30d"}, {"most": 1, "within": "1d", "channel": "sms", "category": "流量包"}],
    "similar": "30d",
    "capacity": {"sms": 200000},
    "capacity_each": {"hall": {"by": "hall", "per_day": 30, "channel": "sms"}},
    "exempt": ["service"],
}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_of_the_policy_is_right_empty_wrong_waiting_and_in_force(
    app: Countersign, window: Windows, language: str
) -> None:
    people.set_language(app, viewer(app, "machao"), "zh" if language == "zh" else "en")
    page = window()
    sign_in(page, "machao")
    page.goto("/admin/policy")
    found = look(page, f"policy-empty-{language}")
    page.fill("[name='caps.0.most']", "many")
    page.fill("[name='caps.0.within']", "7d")
    page.fill("[name=similar]", "soon")
    page.fill("[name='capacity_each.agent.per_day']", "all")
    page.fill("[name=reason]", "<b>why</b>")
    page.click("main form button.main")
    page.wait_for_selector("[role=alert]")
    assert page.input_value("[name='caps.0.most']") == "many"
    found += look(page, f"policy-wrong-{language}")
    page.fill("[name='caps.0.most']", "2")
    page.fill("[name=similar]", "")
    assert page.input_value("[name='capacity_each.agent.per_day']") == "all"
    page.fill("[name='capacity_each.agent.per_day']", "80")
    page.select_option("[name='capacity_each.agent.by']", "agent")
    page.focus("[name=reason]")
    page.keyboard.press("Enter")
    page.wait_for_selector(".changed-box")
    assert "confirm" not in page.inner_html(".changed-box form")
    found += look(page, f"policy-own-{language}")
    policies.decide(app, OPERATOR, 1, confirm=True)
    policies.propose(app, OPERATOR, SECOND, reason="more")
    page.goto("/admin/policy")
    found += look(page, f"policy-waits-{language}")
    page.click("button[value=confirm]")
    page.wait_for_selector("[name='caps.3.most']")
    found += look(page, f"policy-{language}")
    assert found == []
    assert [one.state for one in policies.show(app, OPERATOR).versions] == ["in_force", "over"]


def test_a_policy_is_proposed_without_scripts(app: Countersign, window: Windows) -> None:
    page = window(390, java_script_enabled=False)
    sign_in(page, "machao")
    page.goto("/admin/policy")
    page.fill("[name='caps.0.most']", "2")
    page.fill("[name='caps.0.within']", "7d")
    page.select_option("[name='caps.0.channel']", "sms")
    page.fill("[name=reason]", "少打扰")
    page.keyboard.press("Enter")
    page.wait_for_selector(".changed-box")
    assert "7 天内通过短信接触同一客户不超过 2 次" in page.inner_text(".changed-box")
