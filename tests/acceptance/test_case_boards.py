"""Dashboards of cases and of completion, and the calendar: page, API and file say the same, to each what they see."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from engine import clock
from engine.definition.load import load
from engine.service import board_tables, calendar_table, calendars, completing, dashboards, facts, saved_views
from engine.service.app import Countersign
from engine.service.dashboards import DashboardView
from engine.service.recording import By
from engine.service.responses import import_responses
from engine.store.session import Database
from engine.store.tables import cases
from engine.warehouse.star import SHAPES, Star
from tests.acceptance.email_case import handed_off, load_customers
from tests.acceptance.offices import in_force, opened, submitted, viewer
from tests.acceptance.test_completion import SHIPPED, contacted
from tests.security.signed_in import session

TARGETS = "\nevaluation:\n  targets: {reach: form.reach, response: form.reach}\n"
TEXT = SHIPPED.replace("\nversion: 1\n", "\nversion: 2\n").replace("\nevaluation:\n", TARGETS)


@pytest.fixture
def hands(tmp_path: Path) -> Path:
    return tmp_path / "clock"


@pytest.fixture
def app(db: Database, tmp_path: Path, hands: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(hands))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        in_force(app, load(TEXT))
        load_customers(app, tmp_path)
        yield app


def board(app: Countersign, key: str, login: str = "wangmin", **chosen: str) -> DashboardView:
    return dashboards.show(app, By(viewer(app, login)), key, chosen)


def rows(found: DashboardView) -> dict[tuple[str, str], dict[str, float | None]]:
    """The values of the table, by case and the third of its dimensions (state, or kind of target)."""
    return {
        (row.keys[0], row.keys[2]): {cell.metric: cell.value for cell in row.cells} for row in found.table.rows
    }  # fmt: skip


def figures(found: DashboardView) -> dict[str, tuple[int, int]]:
    return {cell.metric: (int(cell.numerator), int(cell.denominator)) for cell in found.figures}


def test_cases_stand_where_they_are_and_overdue_ones_come_first(app: Countersign, hands: Path) -> None:
    sent = handed_off(app)
    waiting = submitted(app)
    facts.refresh(app)
    first = board(app, "cases")
    assert figures(first) == {
        "cases": (2, 2),
        "in_time_cases": (1, 1),
        "asked_budget": (84_000, 2),
        "planned_reach": (60_600, 2),
    }
    found = rows(first)
    assert found[sent, "evaluating"]["customers"] == 600
    assert found[waiting, "approving"]["customers"] == 0
    states = next(one.answer for one in first.charts if one.by == "state")
    assert {row.keys[0]: row.cells[0].numerator for row in states.rows} == {"approving": 1, "evaluating": 1}
    assert [row.labels[0].en for row in states.rows] == ["In approval", "Evaluating"]
    clock.move(hands, timedelta(days=20))
    facts.refresh(app)
    later = board(app, "cases")
    assert figures(later)["in_time_cases"] == (0, 1), "nothing of the case changed, and its deadline passed"
    assert later.table.rows[0].keys[0] == waiting
    assert set(rows(board(app, "cases", state="evaluating"))) == {(sent, "evaluating")}
    assert set(rows(board(app, "cases", asked="filing"))) == set()


def test_completion_says_what_the_case_says_with_those_behind_first(app: Countersign, hands: Path) -> None:
    case_id = handed_off(app)
    clock.move(hands, timedelta(days=7))
    at = (clock.now() - timedelta(days=6)).isoformat()
    lines = "".join(f"{customer},response,{at},,{customer}\n" for customer in contacted(30))
    import_responses(app, viewer(app, "wangmin"), case_id, f"customer,kind,at,value,reference\n{lines}".encode())
    facts.refresh(app)
    found = rows(board(app, "completion"))
    said = {one.name: one for one in completing.of_case(app, viewer(app, "wangmin"), case_id).targets}
    assert list(found) == [(case_id, "response"), (case_id, "reach")]
    for name, one in said.items():
        told = found[case_id, name]
        assert (told["target_done"], told["target_customers"]) == (one.done, one.target)
        assert told["target_planned"] == pytest.approx(one.planned, abs=1)
    assert found[case_id, "response"]["shortfall"] == pytest.approx(300 - 30, abs=3)
    assert found[case_id, "reach"]["shortfall"] == 0
    assert found[case_id, "reach"]["forecast"] is None, "how many are sent to is not forecast"
    assert figures(board(app, "completion"))["targets_behind"] == (1, 2)
    assert set(rows(board(app, "completion", aim="reach"))) == {(case_id, "reach")}
    clock.move(hands, timedelta(days=1))
    assert facts.refresh(app).targets == 2, "a new day has a new forecast"
    assert facts.refresh(app).targets == 0


def test_a_target_whose_window_is_over_is_counted_once_more_and_then_by_the_month(
    app: Countersign, hands: Path
) -> None:
    case_id = handed_off(app)
    facts.refresh(app)
    ends = max(one.ends for one in completing.of_case(app, viewer(app, "wangmin"), case_id).targets if one.ends)
    clock.move(hands, ends - clock.now() - timedelta(minutes=1))
    assert facts.refresh(app).targets == 2
    clock.move(hands, timedelta(minutes=2))
    assert facts.refresh(app).targets == 2
    assert rows(board(app, "completion"))[case_id, "response"]["forecast"] == 0, "the window is over: what came"
    clock.move(hands, timedelta(days=1))
    assert facts.refresh(app).targets == (2 if clock.now().astimezone(app.settings.zone).day == 1 else 0)
    clock.move(hands, timedelta(days=31))
    assert facts.refresh(app).targets == 2


@pytest.mark.tampers
def test_who_may_not_see_a_case_is_told_nothing_of_it(app: Countersign) -> None:
    keys = [kind.key for kind in dashboards.DASHBOARDS]
    facts.refresh(app)
    empty = [board(app, key, "emily") for key in keys]
    handed_off(app)
    submitted(app)
    with app.db.begin() as tx:
        tx.execute(sa.update(cases).values(confidential=True))
    facts.refresh(app)
    hidden = [board(app, key, "emily") for key in keys]
    for before, after in zip(empty, hidden, strict=True):
        assert (before.figures, before.table.rows) == (after.figures, after.table.rows)
        assert [one.answer.rows for one in before.charts] == [one.answer.rows for one in after.charts]
        assert list(board_tables.table(app, viewer(app, "emily"), after.key, {}).rows) == []
        assert [one.choices for one in before.filters] == [one.choices for one in after.filters]
    assert all(board(app, key).table.rows for key in ("sends", "cases", "completion"))
    lines = dashboards.listed(app, By(viewer(app, "emily"))).dashboards
    assert [line.figure.numerator for line in lines] == [0] * len(keys)


def test_page_api_and_file_say_the_same(app: Countersign) -> None:
    case_id = handed_off(app)
    submitted(app)
    facts.refresh(app)
    with TestClient(create_app(app)) as browser:
        session(app, browser, "wangmin")
        for key in ("cases", "completion"):
            address = f"/dashboards/{key}?office=440111&category="
            api: dict[str, Any] = browser.get(f"/api/v1{address}").json()
            page = browser.get(address)
            file = browser.get(f"{address}&format=csv")
            lines = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
            told = {(row["keys"][0], row["labels"][2]["zh"]): row["cells"] for row in api["table"]["rows"]}
            names = {"cases": "state", "completion": "aim"}
            assert {(line["case_id"], line[names[key]]) for line in lines} == set(told)
            for line in lines:
                for cell in told[line["case_id"], line[names[key]]]:
                    assert float(line[cell["metric"]] or -1) == pytest.approx(
                        -1 if cell["value"] is None else cell["value"]
                    ), cell["metric"]
            assert page.status_code == 200 and f"/cases/{case_id}?tab=" in page.text
            assert f"/dashboards/{key}?office=440111&amp;format=xlsx" in page.text
            assert browser.get(f"{address}&format=parquet").content.startswith(b"PAR1")
            assert browser.get(f"/dashboards/{key}?until=x&format=csv").status_code == 422
        assert "<dd>600</dd>" in browser.get("/dashboards").text
        lines = {one["key"]: one for one in browser.get("/api/v1/dashboards").json()["dashboards"]}
        assert lines["cases"]["figure"]["numerator"] == "2"
        number = saved_views.save(app, viewer(app, "wangmin"), "本县", "dashboard-cases", "office=440111")
        led = browser.get(f"/views/{number}")
        assert led.url.path == "/dashboards/cases" and "office=440111" in str(led.url.query)
        assert "本县" in led.text


def test_facts_of_an_earlier_release_are_read_and_taken_anew(app: Countersign, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted(app)
    with monkeypatch.context() as earlier:
        earlier.delitem(SHAPES["fact_case"], "due_at")  # type: ignore[arg-type]  a dict that nobody else changes
        facts.refresh(app)
    star = Star(app.settings.data)
    assert star.is_of_old(star.current())
    assert figures(board(app, "cases"))["in_time_cases"] == (0, 0)
    assert facts.refresh(app).cases == 1
    assert figures(board(app, "cases"))["in_time_cases"] == (1, 1)


def test_the_calendar_is_filtered_and_leaves_as_a_table(app: Countersign) -> None:
    other = handed_off(app)
    one = submitted(app)
    me = viewer(app, "wangmin")
    both = calendars.month(app, me, "2026-12")
    assert {each.row.id for each in both.cases} == {one, other}
    assert [each.row.id for each in calendars.month(app, me, "2026-12", state="approving").cases] == [one]
    assert [each.row.id for each in calendars.month(app, me, "2026-12", kind="hillstrom-email-case").cases] == [other]
    table = calendar_table.table(app, me, {"month": "2026-12"})
    place = [column.key for column in table.columns].index("contacts")
    assert sum(row[place] or 0 for row in table.rows) == sum(both.pressure.days)  # type: ignore[operator]  whole numbers
    with TestClient(create_app(app)) as browser:
        session(app, browser, "wangmin")
        page = browser.get("/calendar?month=2026-12&kind=hillstrom-email-case").text
        assert "kind=hillstrom-email-case" in page and "month=2026-12" in page
        file = browser.get("/calendar?month=2026-12&state=approving&format=csv").content.decode("utf-8-sig")
        assert len(file.splitlines()) == 2
        assert browser.get("/calendar?month=x&format=csv").status_code == 422
