"""The dashboards: with nothing, with a case, without scripts; no difficulty for anybody who reads it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.service import facts, people
from engine.service.app import Countersign
from tests.acceptance.effect_rows import case, evaluated, pattern
from tests.acceptance.email_case import handed_off, load_customers
from tests.acceptance.league_rows import clerks, recommended
from tests.browser.looking import drawn, look, sign_in

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
    drawn(page)
    found += look(page, f"sends-{language}")
    plain.goto("/dashboards/sends?office=440111")
    assert plain.locator("dl.money dd").first.inner_text() == "600"
    assert plain.locator("figure.picture img").count() == 3
    assert plain.locator(f"a[href='/cases/{case_id}?tab=delivery']").count() == 1
    page.goto("/dashboards/sends?since=2030-01-01")
    assert page.locator("section.empty").count() == 1
    narrow = window(390)
    sign_in(narrow, "wangmin")
    narrow.goto("/dashboards/sends")
    drawn(narrow)
    assert "look=narrow" in narrow.locator("figure.picture img").first.evaluate("each => each.currentSrc")
    assert found + look(narrow, f"sends-narrow-{language}") == []


def test_a_chart_says_what_its_bars_are_to_a_mouse_and_is_a_file_for_whoever_may_see_the_page(
    app: Countersign, window: Windows, tmp_path: Path
) -> None:
    load_customers(app, tmp_path)
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(handed_off, app).result()
    facts.refresh(app)
    people.set_language(app, people.viewer_named(app, "wangmin"), "en")
    page = window(1280)
    sign_in(page, "wangmin")
    loaded: list[str] = []
    page.on("response", lambda answer: loaded.append(answer.url))
    page.goto("/dashboards/sends?office=440111")
    drawn(page)
    assert not any("/static/vega-" in one for one in loaded)  # nobody pointed at a chart yet
    charts = page.locator("figure.picture")
    charts.nth(1).hover()
    bar = charts.nth(1).locator(".drawn svg path[fill='#2e6db8']")
    bar.first.wait_for(timeout=60_000)
    bar.first.hover()
    told = page.locator("#vg-tooltip-element.visible")
    told.wait_for()
    assert "file hand-off" in told.inner_text() and "600" in told.inner_text() and "100.0%" in told.inner_text()
    found = look(page, "sends-pointed-at")
    for form, begins in (("svg", b"<svg"), ("png", b"\x89PNG")):
        link = charts.nth(2).locator(f"a[href$='{form}']").get_attribute("href") or ""
        file = page.request.get(link)
        assert "office=440111" in link and file.body().startswith(begins)
        assert f'filename="sends-office-sent.{form}"' in file.headers["content-disposition"]
    assert "Baiyun county" in page.request.get(link.replace("png", "svg")).text()
    assert page.request.get("/dashboards/sends?chart=nothing&format=svg").status == 404
    assert page.request.get("/dashboards/sends?chart=month-sent&format=gif").status == 422
    page.context.clear_cookies()
    assert not page.request.get(link, max_redirects=0).ok
    assert found == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_effects_of_no_case_of_three_and_of_many_are_shown_with_their_intervals(
    app: Countersign, window: Windows, language: str
) -> None:
    for login in ("wangmin", "machao"):
        people.set_language(app, people.viewer_named(app, login), "zh" if language == "zh" else "en")
    wide, plain = window(1280), window(390, java_script_enabled=False)
    for each in (wide, plain):
        sign_in(each, "machao")
    facts.refresh(app)
    wide.goto("/dashboards/effect")
    found = look(wide, f"effect-nothing-{language}")
    draft = pattern(app)
    counts = ((400, 60), (300, 95), (90, 60))
    for number, (treated, control) in enumerate(counts, 1):
        verdict = "harms" if treated < 100 else "works"
        evaluated(app, case(app, draft, number, "440111"), verdict, treated=treated, control=control, profit="250.00")
    facts.refresh(app)
    wide.goto("/dashboards/effect")
    assert wide.locator("figure.picture").count() >= 3
    drawn(wide)
    found += look(wide, f"effect-three-{language}")
    for number in range(4, 64):
        evaluated(app, case(app, draft, number, "440106"), "works", treated=200 + 5 * number, control=60 + number)
    evaluated(app, case(app, draft, 64, "440106"), "no_control", treated=900)
    facts.refresh(app)
    plain.goto("/dashboards/effect")
    assert plain.locator("dl.money dd").first.inner_text() == "63"
    wide.goto("/dashboards/effect")
    drawn(wide)
    found += look(wide, f"effect-many-{language}")
    assert plain.locator("a[href='/dashboards/effect?office=440111']").count() >= 1
    plain.goto("/dashboards/effect?office=440111")
    assert plain.locator("#cases tbody tr").count() == 3
    wide.goto("/dashboards/effect?verdict=no_control")
    assert wide.locator("#cases tbody tr").count() == 1
    found += look(wide, f"effect-without-control-{language}")
    assert found == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_halls_are_told_apart_and_lead_to_masked_customers(app: Countersign, window: Windows, language: str) -> None:
    people.set_language(app, people.viewer_named(app, "machao"), "zh" if language == "zh" else "en")
    draft = pattern(app)
    clerks(app, second="440111", tianhe="440106")
    made = case(app, draft, 1, "440111")
    for clerk, office, seen, took in (("second", "440111", 40, 10), ("tianhe", "440106", 90, 45)):
        recommended(app, made, clerk, office, seen=seen, took=took)
    recommended(app, made, "zhaoying", "440111", seen=5, took=3)
    facts.refresh(app)
    wide, plain = window(1280), window(390, java_script_enabled=False)
    found = []
    for each in (wide, plain):
        sign_in(each, "machao")
        each.goto("/dashboards/halls")
        assert each.locator("figure.picture").count() == 4
        if each is wide:
            drawn(each)
            found += look(each, f"halls-{language}")
        each.locator("#cases form button").first.click()
        assert each.locator("tbody tr").count() == 50
        assert "****" in each.locator("tbody th").first.inner_text()
        found += look(each, f"halls-customers-{language}") if each is wide else []
    assert found == []
