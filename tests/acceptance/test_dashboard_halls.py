"""The dashboard of the halls, and from its figures to the customers behind them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from engine.errors import InvalidForm, NotFound
from engine.service import dashboards, drilling, facts, metrics, recommended, recommending
from engine.service.app import Countersign
from engine.service.dashboards import DashboardView
from engine.service.metrics import Wanted
from engine.service.recommended import Said
from engine.service.recording import OPERATOR, By
from engine.store import people as accounts
from engine.store import trail
from engine.store.session import Database
from tests.acceptance.hall_case import by, placed, prepare, targets
from tests.acceptance.league_rows import BAIYUN, TIANHE, clerks
from tests.acceptance.league_rows import recommended as written
from tests.acceptance.offices import key, opened, viewer
from tests.security.signed_in import session

COUNTY_HEAD, CITY_HEAD = "liguoqiang", "sunli"


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home", shipped=False) as app:
        prepare(app)
        yield app


@pytest.fixture
def case_id(app: Countersign) -> str:
    """A case of which two customers answered the clerk, and 40 another one."""
    case_id = placed(app)
    said = (Said("accept", confirmed_by="code", evidence="483920"), Said("refuse", reason="price"))
    for customer, answer in zip(targets(app, case_id), said, strict=False):
        (one,) = recommending.look_up(app, by(app), customer).recommendations
        recommended.answer(app, by(app), one.id, answer)
    written(app, case_id, "second", BAIYUN, seen=40, took=10)
    facts.refresh(app)
    return case_id


def board(app: Countersign, login: str, **chosen: str) -> DashboardView:
    return dashboards.show(app, By(viewer(app, login)), "halls", chosen)


@pytest.mark.usefixtures("case_id")
def test_halls_have_rates_with_intervals_and_clerks_with_few_tries_none(app: Countersign) -> None:
    found = board(app, "sunli")
    assert [(cell.metric, cell.numerator, cell.denominator) for cell in found.figures] == [
        ("shown", 42, 42),
        ("accepted", 11, 42),
        ("refused", 1, 42),
        ("later", 0, 42),
    ]
    charts = {chart.by: chart.answer for chart in found.charts}
    (hall,) = charts["hall"].rows
    assert hall.cells[0].low < 11 / 42 < hall.cells[0].high
    rates = {row.keys[0]: row.cells[0] for row in charts["clerk"].rows}
    assert (rates["zhaoying"].value, rates["zhaoying"].numerator, rates["zhaoying"].too_few) == (None, None, True)
    assert rates["second"].value == 0.25
    with pytest.raises(InvalidForm) as told:
        metrics.ask(app, OPERATOR, Wanted(("shown",), ("clerk", "answer")))
    assert [one.code for one in told.value.problems] == ["E463"]


@pytest.mark.usefixtures("case_id")
def test_who_is_told_of_no_clerk_has_neither_the_chart_nor_the_filter(app: Countersign) -> None:
    found = board(app, "emily", clerk="second")
    assert "clerk" not in {chart.by for chart in found.charts} | {one.name for one in found.filters}
    assert found.figures[0].numerator == 42


def test_a_head_is_told_the_names_of_their_own_clerks_alone(app: Countersign, case_id: str) -> None:
    clerks(app, tianhe=TIANHE)
    written(app, case_id, "tianhe", TIANHE, seen=45, took=30)
    facts.refresh(app)
    asked = Wanted(("shown", "accepted"), ("clerk",))

    def told(login: str) -> dict[str, tuple[str, int]]:
        answer = metrics.ask(app, By(viewer(app, login)), asked)
        return {row.keys[0]: (row.labels[0].zh, int(row.cells[0].value or 0)) for row in answer.rows}

    everybody = {"second": ("营业员second", 40), "tianhe": ("营业员tianhe", 45), "zhaoying": ("赵颖", 2)}
    assert told(CITY_HEAD) == everybody
    assert told(COUNTY_HEAD) == {"": ("其他机构的营业员", 45)} | {k: v for k, v in everybody.items() if k != "tianhe"}
    chart = {one.by: one.answer for one in board(app, COUNTY_HEAD).charts}["clerk"]
    assert sorted(row.keys[0] for row in chart.rows) == ["", "second", "zhaoying"]
    choices = {one.name: one.choices for one in board(app, COUNTY_HEAD).filters}["clerk"]
    assert sorted(value for value, _ in choices) == ["second", "zhaoying"]
    assert board(app, CITY_HEAD, clerk="tianhe").figures[0].numerator == 45
    assert board(app, COUNTY_HEAD, clerk="tianhe").figures[0].numerator == 0
    with TestClient(create_app(app)) as browser:
        session(app, browser, COUNTY_HEAD)
        page = browser.get("/dashboards/halls").text
        assert "其他机构的营业员" in page and "营业员second" in page and "tianhe" not in page


def test_customers_of_a_clerk_are_listed_for_who_is_told_of_the_clerk(app: Countersign, case_id: str) -> None:
    with app.db.begin() as tx:
        accounts.add_grants(tx, [{"person": COUNTY_HEAD, "role": "process_admin", "office": BAIYUN}])
    clerks(app, tianhe=TIANHE)
    written(app, case_id, "tianhe", TIANHE, seen=45, took=30)

    def listed(login: str, **chosen: str) -> int:
        return len(drilling.rows(app, By(viewer(app, login), key=key()), "halls", case_id, chosen).rows)

    assert listed(COUNTY_HEAD, clerk="second") == 40
    assert listed(COUNTY_HEAD, clerk="second", hall=TIANHE) == listed(COUNTY_HEAD, clerk="tianhe") == 0
    assert listed("machao", clerk="tianhe", hall=TIANHE) == 45


def test_customers_behind_a_figure_are_masked_recorded_and_for_who_may_see_customers(
    app: Countersign, case_id: str
) -> None:
    with pytest.raises(NotFound):
        drilling.rows(app, By(viewer(app, "wangmin"), key=key()), "halls", case_id, {})
    asking = By(viewer(app, "machao"), key=key())
    found = drilling.rows(app, asking, "halls", case_id, {"hall": "440100"})
    assert (len(found.rows), found.cut) == (42, False)
    assert all("*" in row.customer for row in found.rows)
    answered = [row for row in found.rows if row.state == "refuse"]
    assert [(row.reason, row.channel) for row in answered] == [("price", "hall")]
    assert drilling.rows(app, asking, "halls", case_id, {"hall": "440106"}).rows == ()
    with app.db.read() as tx:
        kinds = [entry.kind for entry in trail.about(tx, f"case {found.case_number}")]
    assert kinds == ["customers_listed"]
    with pytest.raises(NotFound):
        drilling.rows(app, By(viewer(app, "machao"), key=key()), "halls", "no such case", {})


def test_page_and_api_lead_from_a_figure_to_the_same_rows(app: Countersign, case_id: str) -> None:
    with TestClient(create_app(app)) as browser:
        bearer = {"Authorization": f"Bearer {session(app, browser, 'machao')}"}
        page = browser.get(f"/dashboards/halls?hall={BAIYUN}").text
        assert 'action="/dashboards/halls/customers"' in page
        body = {"case": case_id, "filters": {"hall": BAIYUN}}
        told = browser.post("/api/v1/dashboards/halls/customers", json=body, headers=bearer)
        assert told.status_code == 200, told.text
        assert (len(told.json()["rows"]), told.headers["cache-control"]) == (42, "no-store")
        assert browser.post("/api/v1/dashboards/nothing/customers", json=body, headers=bearer).status_code == 404
        other = {"Authorization": f"Bearer {session(app, browser, 'wangmin')}"}
        assert "/dashboards/halls/customers" not in browser.get("/dashboards/halls").text
        assert browser.post("/api/v1/dashboards/halls/customers", json=body, headers=other).status_code == 404
