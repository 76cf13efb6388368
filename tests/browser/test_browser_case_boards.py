"""The dashboards of cases and of completion, the list of dashboards and the calendar: with nothing, with three cases
and with many; without scripts; no difficulty for anybody who reads them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.definition.load import load
from engine.service import facts, people
from engine.service.app import Countersign
from tests.acceptance.email_case import handed_off, load_customers
from tests.acceptance.offices import in_force, submitted, viewer
from tests.acceptance.test_case_boards import TEXT
from tests.browser.looking import look, sign_in

Windows = Callable[..., Any]
PAGES = {
    "dashboards": "/dashboards",
    "cases": "/dashboards/cases",
    "completion": "/dashboards/completion",
    "calendar": "/calendar?month=2026-12",
}
MANY = 60


def _three(app: Countersign) -> str:
    in_force(app, load(TEXT))
    case_id = handed_off(app)
    submitted(app)
    submitted(app, title="宽带提速营销案", offer="flow-10g", budget="30000.00")
    return case_id


@pytest.mark.parametrize("language", ["zh", "en"])
def test_cases_and_their_completion_are_shown_and_lead_to_their_cases(
    app: Countersign, window: Windows, tmp_path: Path, language: str
) -> None:
    load_customers(app, tmp_path)
    people.set_language(app, viewer(app, "wangmin"), "zh" if language == "zh" else "en")
    wide, narrow = window(1280), window(390, java_script_enabled=False)
    found = []
    for each in (wide, narrow):
        sign_in(each, "wangmin")
    for name, path in PAGES.items():
        wide.goto(path)
        found += look(wide, f"{name}-nothing-{language}")
    with ThreadPoolExecutor(1) as elsewhere:  # the browser's loop has this thread
        case_id = elsewhere.submit(_three, app).result()
    facts.refresh(app)
    for name, path in PAGES.items():
        wide.goto(path)
        for summary in wide.locator("details summary").all():
            summary.click()
        found += look(wide, f"{name}-{language}")
        narrow.goto(path)
        assert narrow.evaluate("document.documentElement.scrollWidth") <= 390
    narrow.goto("/dashboards/completion")
    assert narrow.locator(f"a[href='/cases/{case_id}?tab=delivery']").count() >= 1
    narrow.goto("/dashboards/cases?state=approving")
    assert narrow.locator("dl.money dd").first.inner_text() == "2"
    small = window(390)
    sign_in(small, "wangmin")
    for name, path in PAGES.items():
        small.goto(path)
        found += look(small, f"{name}-narrow-{language}")
    if language == "zh":
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(lambda: [submitted(app, title=f"营销案{n}") for n in range(MANY)]).result()
        facts.refresh(app)
        small.goto("/dashboards/cases")
        assert small.locator("tbody").last.locator("tr").count() == 50
        found += look(small, "cases-many")
    assert not found, "\n".join(found)
