"""Asking for more in a real Chromium: what is missing, the form, its refusal, the sheet, taking it back."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.service import people
from engine.service.app import Countersign
from engine.settings import Settings
from tests.acceptance.offices import notices
from tests.acceptance.widened_case import case_of, held_case
from tests.browser.looking import look, sign_in
from tests.servers.gateway import SECRET, running_gateway

Windows = Callable[..., Any]


@pytest.fixture
def app(staffed: Path, tmp_path: Path) -> Iterator[Countersign]:
    shutil.copy(staffed, tmp_path / "case.db")
    with running_gateway(tmp_path / "sms.log") as gateway:
        url = f"sqlite:///{tmp_path / 'case.db'}"
        opened = Countersign.open(Settings(home=tmp_path, database_url=url, sms_url=gateway.url, sms_secret=SECRET))
        yield opened
        opened.close()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_more_is_asked_for_looked_at_and_approved(app: Countersign, window: Windows, language: str) -> None:
    for login in ("wangmin", "zhanglan"):
        people.set_language(app, people.viewer_named(app, login), "zh" if language == "zh" else "en")
    with ThreadPoolExecutor() as aside:  # Playwright's event loop has this thread
        case_id = aside.submit(held_case, app).result()
    page = window()
    sign_in(page, "wangmin")
    page.goto(f"/cases/{case_id}")
    told = "申请追加预算" if language == "zh" else "ask for more money"
    assert told in page.inner_text(f"a[href='/cases/{case_id}/more']")
    found = look(page, f"widening-held-{language}")
    page.click(f"a[href='/cases/{case_id}/more']")
    suggested = page.input_value("#field-budget")
    page.fill("#field-budget", "1.00")
    page.fill("#reason", "条数比估算的多 <b>")
    page.click("form.card button.main")
    assert page.input_value("#reason") == "条数比估算的多 <b>"
    assert page.query_selector("#field-budget-problem") is not None
    found += look(page, f"widening-form-{language}")
    page.fill("#field-budget", suggested)
    with page.expect_navigation():
        page.click("form.card button.main")
    assert "条数比估算的多 <b>" in page.inner_text("main")
    found += look(page, f"widening-asked-{language}")
    other = window()
    sign_in(other, "zhanglan")
    other.goto("/inbox")
    other.click("a[href^='/tasks/']")
    assert "1.20" in other.inner_text("main") and suggested in other.inner_text("main")
    found += look(other, f"widening-sheet-{language}")
    page.click("details.confirm:has(form[action$='/withdraw']) summary")
    with page.expect_navigation():
        page.click("form[action$='/withdraw'] button")
    assert case_of(app, case_id).state == "paused"
    found += look(page, f"widening-history-{language}")
    with ThreadPoolExecutor() as aside:
        aside.submit(notices, app).result()
    assert found == []
