"""The dashboard of effects: what is pooled and what never is, the same everywhere, and nothing of hidden cases."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from statsmodels.stats.meta_analysis import combine_effects

from api.app import create_app
from engine.service import dashboards, facts, metrics
from engine.service.app import Countersign
from engine.service.dashboards import DashboardView
from engine.service.metrics import Cell, Wanted
from engine.service.recording import OPERATOR, By
from engine.store.session import Database
from tests.acceptance.effect_rows import case, evaluated, lift, pattern
from tests.acceptance.offices import opened, viewer
from tests.security.signed_in import session

BAIYUN, TIANHE = "440111", "440106"
JUDGED = ((400, 60), (300, 70), (500, 80))


@pytest.fixture
def app(db: Database, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        yield app


@pytest.fixture
def draft(app: Countersign) -> str:
    """Three judged cases in Baiyun, one of Tianhe without a control group."""
    draft = pattern(app)
    for number, (treated, control) in enumerate(JUDGED, 1):
        evaluated(app, case(app, draft, number, BAIYUN), "works", treated=treated, control=control, profit="250.00")
    evaluated(app, case(app, draft, 9, TIANHE), "no_control", treated=3_000)
    facts.refresh(app)
    return draft


def board(app: Countersign, login: str = "wangmin", **chosen: str) -> DashboardView:
    return dashboards.show(app, By(viewer(app, login)), "effect", chosen)


def figures(view: DashboardView) -> dict[str, Cell]:
    return {cell.metric: cell for cell in view.figures}


@pytest.mark.usefixtures("draft")
def test_lifts_are_pooled_by_inverse_variance_and_a_case_without_control_is_in_none(app: Countersign) -> None:
    found = figures(board(app))
    lifts = [lift(*one) for one in JUDGED]
    errors = [(one.high - one.low) / 2 / 1.959963984540054 for one in lifts]
    meta = combine_effects(np.array([one.lift for one in lifts]), np.array(errors) ** 2)
    assert found["lift"].value == pytest.approx(meta.mean_effect_fe, abs=1e-9)
    assert (found["lift"].low, found["lift"].high) == pytest.approx(meta.conf_int()[0], abs=1e-9)
    assert found["heterogeneity"].value == pytest.approx(max(0.0, meta.i2), abs=1e-6)
    assert (found["judged_cases"].numerator, found["judged_cases"].denominator) == (3, 4)
    assert (found["effect_profit"].value, found["effect_profit"].denominator) == (750.0, 3)


@pytest.mark.usefixtures("draft")
def test_a_case_keeps_its_own_interval_and_one_without_control_is_listed_as_not_judged(app: Countersign) -> None:
    rows = {row.keys[0]: row for row in board(app).table.rows}
    assert len(rows) == 4
    for number, one in enumerate(JUDGED, 1):
        cell, known = rows[f"e{number:015}"].cells[0], lift(*one)
        assert cell.value == pytest.approx(known.lift, abs=1e-11)
        assert (cell.low, cell.high) == pytest.approx((known.low, known.high), abs=1e-15)
    left = rows[f"e{9:015}"]
    assert (left.labels[2].en, left.cells[0].value, left.cells[0].low) == ("not judged: no control group", None, None)
    only = figures(board(app, office=TIANHE))
    assert (only["lift"].value, only["heterogeneity"].value, only["effect_profit"].value) == (None, None, None)
    assert [chart.answer.rows for chart in board(app, office=TIANHE).charts if chart.by == "case"] == [()]


def test_lifts_of_different_outcomes_are_not_put_together_until_one_is_chosen(app: Countersign, draft: str) -> None:
    evaluated(app, case(app, draft, 5, TIANHE), "harms", treated=100, control=90, outcome="response")
    facts.refresh(app)
    assert figures(board(app))["lift"].value is None
    chosen = figures(board(app, outcome="response"))
    assert chosen["lift"].value == pytest.approx(lift(100, 90).lift)
    assert chosen["heterogeneity"].value is None


@pytest.mark.usefixtures("draft")
def test_the_newest_evaluation_replaces_the_one_before(app: Countersign) -> None:
    first = facts.refresh(app)
    assert first.effects == 0
    assert figures(board(app))["judged_cases"].denominator == 4


def test_who_may_not_see_a_case_finds_it_in_no_row_and_no_sum(app: Countersign, draft: str) -> None:
    before = board(app, "emily")
    hidden = case(app, draft, 7, BAIYUN, confidential=True)
    evaluated(app, hidden, "harms", treated=10, control=300, profit="-900.00")
    facts.refresh(app)
    after = board(app, "emily")
    assert (after.figures, after.table.rows) == (before.figures, before.table.rows)
    assert [chart.answer.rows for chart in after.charts] == [chart.answer.rows for chart in before.charts]
    everything = metrics.ask(app, OPERATOR, Wanted(("judged_cases", "effect_profit"))).only
    assert everything is not None
    assert [cell.value for cell in everything.cells] == [4, -150.0]


@pytest.mark.usefixtures("draft")
def test_page_api_and_file_say_the_same(app: Countersign) -> None:
    with TestClient(create_app(app)) as browser:
        session(app, browser, "wangmin")
        page = browser.get("/dashboards/effect?office=440111").text
        api = browser.get("/api/v1/dashboards/effect?office=440111").json()
        names = {"metric": "judged_cases,lift,heterogeneity,effect_profit", "where": "office=440111"}
        asked = browser.get("/api/v1/metrics/query", params=names).json()
        file = browser.get("/dashboards/effect?office=440111&format=csv")
        for form in ("xlsx", "parquet"):
            assert browser.get(f"/dashboards/effect?office=440111&format={form}").headers["x-rows"] == "3"
        assert browser.get("/dashboards/effect?since=yesterday&format=csv").status_code == 422
        assert browser.get("/dashboards/effect?verdict=nonsense&outcome=x&office='").status_code == 200
    assert api["figures"] == asked["rows"][0]["cells"]
    rows = {row["case"]: row for row in csv.DictReader(io.StringIO(file.content.decode("utf-8-sig")))}
    assert len(rows) == len(api["table"]["rows"]) == 3
    for row in api["table"]["rows"]:
        written, cell = rows[row["labels"][0]["zh"]], row["cells"][0]
        assert (float(written["lift"]), float(written["lift_low"])) == (cell["value"], cell["low"])
        assert f"{cell['value'] * 100:+.2f}" in page
    pooled = api["figures"][1]
    assert f"{pooled['value'] * 100:+.2f}" in page
    assert f"{pooled['low'] * 100:+.2f}" in page


@pytest.mark.usefixtures("draft")
def test_a_loss_is_drawn_as_one_and_differences_in_percentage_points(app: Countersign) -> None:
    evaluated(app, case(app, pattern(app), 8, BAIYUN), "harms", treated=40, control=100)
    facts.refresh(app)
    with TestClient(create_app(app)) as browser:
        session(app, browser, "wangmin")
        drawing = browser.get("/dashboards/effect?office=440111&chart=case-lift&format=json&look=wide").json()
    marks = [one for one in drawing["layer"] if one["mark"].get("shape") == "triangle-down"]
    (loss,) = [row for one in marks for row in drawing["datasets"][one["data"]["name"]]]
    assert loss["value"] == pytest.approx((40 / 4000 - 100 / 1000) * 100)
    axes = [one["encoding"]["x"]["axis"]["format"] for one in drawing["layer"] if one["encoding"]["x"].get("axis")]
    assert axes and not any(one.endswith("%") for one in axes)
