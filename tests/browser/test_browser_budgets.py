"""Budgets of offices in a real Chromium: proposed, refused, confirmed; what a proposal, a sheet and the ledger say."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.service import approvals, budgets, people, proposals
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from tests.acceptance.offices import PROPOSAL, key, submitted
from tests.api.cases import viewer
from tests.browser.looking import look, sign_in

Windows = Callable[..., Any]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_budget_is_set_by_two_and_shown_to_who_submits_decides_and_keeps_it(
    app: Countersign, window: Windows, language: str
) -> None:
    for login in ("zhanglan", "wangmin", "liguoqiang"):
        people.set_language(app, viewer(app, login), "zh" if language == "zh" else "en")
    year = str(app.now().astimezone(app.settings.zone).year)
    page = window()
    sign_in(page, "zhanglan")
    page.goto("/budgets")
    found = look(page, f"budgets-empty-{language}")
    page.select_option("[name=office]", "440111")
    page.fill("[name=amount]", "much")
    page.fill("[name=reason]", "<b>why</b>")
    page.click("main form button.main")
    page.wait_for_selector("[role=alert]")
    found += look(page, f"budgets-wrong-{language}")
    page.fill("[name=amount]", "100000")
    page.focus("[name=reason]")
    page.keyboard.press("Enter")
    page.wait_for_selector(".changed-box")
    assert "confirm" not in page.inner_html(".changed-box form")
    found += look(page, f"budgets-own-{language}")
    account = f"440111:{year}:CNY"
    budgets.decide(app, OPERATOR, account, 1, confirm=True)
    budgets.propose(app, OPERATOR, office="440111", year=year, currency="CNY", amount="150000", reason="more")
    case_id = submitted(app, budget="80000")
    page.goto("/budgets")
    found += look(page, f"budgets-waits-{language}")
    page.goto(f"/budgets/{account}")
    assert "80,000" in page.inner_text("main")
    found += look(page, f"budget-{language}")
    with page.expect_download() as download:
        page.click("a[href$='format=csv']")
    assert download.value.suggested_filename.endswith(".csv")
    head = window()
    sign_in(head, "liguoqiang")
    task = approvals.inbox(app, viewer(app, "liguoqiang")).to_do[0].id
    head.goto(f"/tasks/{task}")
    assert "100,000" in head.inner_text("main")
    found += look(head, f"budget-sheet-{language}")
    submitter = window()
    sign_in(submitter, "wangmin")
    draft = proposals.start(app, viewer(app, "wangmin"), "telecom-marketing-case", key=key())
    proposals.save(app, viewer(app, "wangmin"), draft, PROPOSAL | {"budget": "30000"}, key=key())
    submitter.goto(f"/cases/{draft}/edit")
    assert "20,000" in submitter.inner_text("main")
    found += look(submitter, f"budget-proposal-{language}")
    assert found == []
    assert case_id
