"""The pages of submitters in a real Chromium: empty, filled and with errors, in both languages, by keyboard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.service import attaching, commenting, people, proposals, saved_views
from engine.service.app import Countersign
from tests.acceptance.all_fields import FORM, NAME, PDF, published
from tests.api.cases import decide, key, submitted, viewer
from tests.browser.looking import faults, sign_in, wrong_at_any_width

Windows = Callable[..., Any]


def draft(app: Countersign, **form: Any) -> str:
    published(app)
    me = viewer(app, "wangmin")
    case_id = proposals.start(app, me, NAME, key=key())
    file = attaching.add(app, me, case_id, field="papers", name="合同.pdf", chunks=[PDF])
    proposals.save(app, me, case_id, {**FORM, "papers": [file["id"]], **form}, key=key())
    return case_id


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_has_nothing_for_axe_and_fits(app: Countersign, window: Windows, language: str):
    me = viewer(app, "wangmin")
    returned = submitted(app, title="Returned case")
    decide(app, "liguoqiang", "return", "Budget too low")
    commenting.add(app, viewer(app, "liguoqiang"), returned, "budget", "Less than 60,000?", key=key())
    case_id, form = submitted(app), draft(app)
    saved_views.save(app, me, "Waiting", "cases", "state=approving")
    people.set_language(app, me, "zh" if language == "zh" else "en")
    page = window()
    sign_in(page, "wangmin")
    found = []
    for path in (
        "/cases/new", "/cases/new?q=nothing", f"/cases/{form}/edit", f"/cases/{returned}/edit", f"/cases/{returned}",
        f"/cases/{case_id}", "/cases?state=approving", "/cases?state=closed", "/cases?office=nowhere&mine=1",
        "/calendar?month=2026-12", "/calendar?month=2020-01", "/calendar?month=x",
    ):  # fmt: skip
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
        found += wrong_at_any_width(page)
    page.goto(f"/cases/{form}/edit")
    page.fill("[name=owner]", "陈")
    page.fill("[name=place]", "公司")
    page.fill("[name='shops[0][gifts]']", "many")
    page.click("button[value=submit]")
    page.wait_for_selector("[role=alert]")
    found += faults(page)
    assert page.input_value("[name='shops[0][gifts]']") == "many"
    assert found == []


def test_rows_and_an_office_are_added_without_scripts(app: Countersign, window: Windows, tmp_path: Path):
    published(app)
    file = tmp_path / "方案.pdf"
    file.write_bytes(PDF)
    page = window(390, java_script_enabled=False)
    sign_in(page, "wangmin")
    page.goto("/cases/new")
    page.click("button:has-text('门店促销案')")
    page.fill("[name=title]", "元旦门店促销")
    page.fill("[name=budget]", "12000")
    page.fill("[name='window[from]']", "2026-12-20")
    page.fill("[name='window[to]']", "2027-01-03")
    page.fill("[name=place]", "公司")
    page.set_input_files("[name='papers[file]']", str(file))
    page.fill("[name='shops[0][shop]']", "白云一店")
    page.fill("[name='shops[1][shop]']", "白云二店")
    page.click("button[value=rows]")
    page.wait_for_selector("[name='shops[9][shop]']")
    assert page.inner_text("a[href*='/files/']") == "方案.pdf"
    page.check("[name='place[pick]'][value='440111']")
    page.fill("[name='shops[4][shop]']", "白云三店")
    page.click("button[value=submit]")
    page.wait_for_selector("[aria-current=step]")
    assert [cell.inner_text() for cell in page.locator("td:first-child").all()] == ["白云一店", "白云二店", "白云三店"]


def test_people_are_offered_while_their_name_is_typed(app: Countersign, window: Windows):
    page = window()
    sign_in(page, "wangmin")
    page.goto(f"/cases/{draft(app, owner='')}/edit")
    page.locator("[name=owner]").press_sequentially("郑")
    page.wait_for_selector("#field-owner-list option[value=zhengkai]", state="attached", timeout=20_000)


def test_two_windows_on_one_draft_lose_nothing(app: Countersign, window: Windows):
    case_id = draft(app)
    first, second = window(), window()
    for page in (first, second):
        sign_in(page, "wangmin")
        page.goto(f"/cases/{case_id}/edit")
    first.fill("[name=title]", "From the first")
    first.click("form[data-autosave] .buttons button[value=save]")
    second.fill("[name=title]", "From the second")
    second.wait_for_selector("[data-saved].stop", timeout=30_000)
    assert second.input_value("[name=title]") == "From the second"
    second.click("form[data-autosave] .buttons button[value=save]")
    second.wait_for_selector("main > [role=alert]")
    assert "From the first" in second.inner_text("#field-title-box")
    assert second.input_value("[name=title]") == "From the second"
    assert faults(second) == []


def test_the_picture_of_the_process_is_shown(app: Countersign, window: Windows):
    page = window()
    sign_in(page, "wangmin")
    page.goto(f"/cases/{submitted(app)}")
    page.click("summary:has-text('完整流程图')")
    drawn = page.locator("img[src$='process.svg']")
    drawn.scroll_into_view_if_needed()
    assert drawn.evaluate("async img => { await img.decode(); return img.naturalWidth }") > 300
