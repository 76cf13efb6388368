"""The cost table and the money of an evaluated case in a real Chromium, in both languages."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.definition.load import load
from engine.service import costs, evaluating, people
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.service.responses import import_responses
from tests.acceptance.costed_case import HEADINGS, PRICED, table
from tests.acceptance.email_case import base, handed_off, load_customers
from tests.acceptance.offices import in_force, key, viewer
from tests.browser.looking import look, sign_in

Windows = Callable[..., Any]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_table_is_proposed_corrected_and_confirmed_by_another(
    app: Countersign, window: Windows, language: str
) -> None:
    people.set_language(app, viewer(app, "zhanglan"), "zh" if language == "zh" else "en")
    page = window()
    sign_in(page, "zhanglan")
    page.goto("/costs")
    found = look(page, f"costs-empty-{language}")
    page.fill(
        "[name=table]", f"{HEADINGS}\nsms,north,segment,sent,much,CNY,2026-01-01,\n,x,wave,sent,1,USD,1.1.2026,\n"
    )
    page.fill("[name=reason]", "<b>why</b>")
    page.click("main form button.main")
    page.wait_for_selector("[role=alert]")
    assert "much" in page.inner_text("[role=alert]")
    found += look(page, f"costs-wrong-{language}")
    rows = (
        "sms,north,segment,delivered,0.045,CNY,2026-01-01,2026-06-30",
        "sms,south,segment,sent,0.038,CNY,2026-08-01,",
    )
    page.fill("[name=table]", "\n".join((HEADINGS, *rows, "file,north,wave,sent,12.5,CNY,2026-01-01,", "")))
    page.focus("[name=reason]")
    page.keyboard.press("Enter")
    page.wait_for_selector(".changed-box")
    assert "confirm" not in page.inner_html(".changed-box form")
    found += look(page, f"costs-own-{language}")
    costs.decide(app, OPERATOR, 1, confirm=True)
    page.goto("/costs")
    assert "0.038" in page.inner_text("main") and page.locator(".caution").count() == 1
    found += look(page, f"costs-{language}")
    with page.expect_download() as download:
        page.click("a[href$='/export/xlsx']")
    assert download.value.suggested_filename == "costs.xlsx"
    assert found == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_money_of_a_case_shows_planned_actual_difference_and_where_each_price_is_from(
    app: Countersign, window: Windows, tmp_path: Path, language: str
) -> None:
    in_force(app, load(PRICED))
    load_customers(app, tmp_path)
    with ThreadPoolExecutor(1) as beside:  # sending runs an event loop, and Playwright's is here already
        made = beside.submit(handed_off, app).result()
    submitter = viewer(app, "wangmin")
    import_responses(app, submitter, made, base(outcomes=True).encode())
    table(app, "file,printer,message,sent,0.0415,USD,2026-01-01,", ",studio,case,sent,100,USD,2026-01-01,")
    evaluating.evaluate(app, made, "14d", True, key())
    people.set_language(app, submitter, "zh" if language == "zh" else "en")
    page = window()
    sign_in(page, "wangmin")
    page.goto(f"/cases/{made}?tab=evaluation")
    page.click(".evaluation details:last-of-type summary")
    told = page.inner_text(".evaluation")
    assert "$124.90" in told and "printer" in told  # 600 x 0.0415 + 100
    assert look(page, f"costs-case-{language}") == []
