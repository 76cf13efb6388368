"""League tables and completion in the browser: both widths, both languages, without scripts, and by API the same."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.service import people
from engine.service.app import Countersign
from tests.acceptance.league_rows import BAIYUN, TIANHE, case, clerks, recommended
from tests.browser.looking import drawn, look, sign_in

Windows = Callable[..., Any]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_places_their_intervals_and_who_has_too_few_are_seen(app: Countersign, window: Windows, language: str) -> None:
    clerks(app, second=BAIYUN, tian=TIANHE)
    for name, office in (("league-b", BAIYUN), ("league-t", TIANHE)):
        case(app, name, office)
    recommended(app, "league-b", "zhaoying", BAIYUN, seen=200, took=100)
    recommended(app, "league-b", "second", BAIYUN, seen=20, took=19)
    recommended(app, "league-t", "tian", TIANHE, seen=100, took=45)
    people.set_language(app, people.viewer_named(app, "sunli"), "zh" if language == "zh" else "en")
    found: list[str] = []
    for width, scripts in ((1280, True), (390, False)):
        page = window(width, java_script_enabled=scripts)
        sign_in(page, "sunli")
        page.goto("/league?kind=clerks")
        rows = page.locator("tbody tr")
        assert rows.count() == 2
        tied = "not distinguishable" if language == "en" else "无法区分"
        assert tied in rows.nth(1).inner_text() and "名tian" in rows.nth(1).inner_text()
        assert "名second" in page.locator("#too-few").inner_text()
        assert "look=wide" in (page.locator("figure.picture img").get_attribute("src") or "")
        if scripts:
            drawn(page)
            file = page.request.get(page.locator("figure.picture a").first.get_attribute("href") or "")
            assert "名second" not in file.text() and "1 · " in file.text()
            assert page.request.get("/league?kind=clerks&chart=nothing&format=svg").status == 404
            found += look(page, f"league-{language}")
        page.goto("/league?kind=channels")
        assert page.locator(".empty").count() == 1
        page.goto("/league?kind=clerks&since=2026-12-02&until=2020-01-01")
        assert page.locator("[role=alert], .alert").count() == 1
    assert found == []


def test_the_api_and_the_file_say_what_the_page_says(app: Countersign, window: Windows) -> None:
    case(app, "league-b", BAIYUN)
    recommended(app, "league-b", "zhaoying", BAIYUN, seen=200, took=100)
    page = window(1280)
    sign_in(page, "sunli")
    page.goto("/league?kind=halls")
    shown = page.locator("tbody tr").first.inner_text()
    told = page.request.get("/api/v1/league?kind=halls").json()
    (row,) = told["rows"]
    assert (row["n"], row["events"], told["metric"]) == (200, 100, "accepted")
    assert "200" in shown and f"{row['rate'] * 100:.1f}%" in shown
    file = page.request.get(page.locator("a[href^='/league.csv']").get_attribute("href") or "").text()
    assert f"{row['low']:.6f}" in file and f"{row['high']:.6f}" in file
