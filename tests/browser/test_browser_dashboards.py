"""The dashboard of mass sends: with nothing, with a case, without scripts; no difficulty for anybody who reads it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.service import facts, people
from engine.service.app import Countersign
from tests.acceptance.email_case import handed_off, load_customers
from tests.browser.looking import look, sign_in

Windows = Callable[..., Any]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_mass_sends_are_shown_with_their_denominators_and_lead_to_their_cases(
    app: Countersign, window: Windows, tmp_path: Path, language: str
) -> None:
    load_customers(app, tmp_path)
    with ThreadPoolExecutor(1) as elsewhere:  # the browser's loop has this thread
        case_id = elsewhere.submit(handed_off, app).result()
    people.set_language(app, people.viewer_named(app, "wangmin"), "zh" if language == "zh" else "en")
    page, plain = window(1280), window(390, java_script_enabled=False)
    for each in (page, plain):
        sign_in(each, "wangmin")
    page.goto("/dashboards/sends")
    found = look(page, f"sends-nothing-{language}")
    facts.refresh(app)
    page.goto("/dashboards/sends")
    page.locator("details summary").last.click()
    found += look(page, f"sends-{language}")
    plain.goto("/dashboards/sends?office=440111")
    assert plain.locator("dl.money dd").first.inner_text() == "600"
    assert plain.locator(f"a[href='/cases/{case_id}?tab=delivery']").count() == 1
    page.goto("/dashboards/sends?since=2030-01-01")
    assert page.locator("section.empty").count() == 1
    narrow = window(390)
    sign_in(narrow, "wangmin")
    narrow.goto("/dashboards/sends")
    assert found + look(narrow, f"sends-narrow-{language}") == []
