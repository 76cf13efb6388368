"""The contact pressure of the calendar: what planned and real waves make, of the cases that a viewer sees alone."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from engine.service import calendars
from engine.service.app import Countersign
from engine.service.pressure import Pressure
from engine.store.session import Database
from tests.acceptance.email_case import handed_off, load_customers
from tests.acceptance.offices import opened, submitted, viewer
from tests.security import small_cases
from tests.security.signed_in import session


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path) as application:
        yield application


def december(app: Countersign, login: str) -> Pressure:
    return calendars.month(app, viewer(app, login), "2026-12").pressure


def test_a_planned_case_is_spread_over_its_days_by_week_and_channel(app: Countersign):
    submitted(app)  # 60,000 customers in December
    load = december(app, "wangmin")
    assert sum(load.days) == sum(week.contacts for week in load.weeks)
    assert sum(load.days) >= 60_000
    assert len(load.days) == 31
    assert [(week.first.day, week.last.day) for week in load.weeks] == [(1, 6), (7, 13), (14, 20), (21, 27), (28, 31)]
    for week in load.weeks:
        assert sum(week.channels.values()) == week.contacts
        assert week.per_day == pytest.approx(load.per_day, rel=0.01)
    assert set(load.channels) <= {"sms", "hall"}


def test_the_load_of_cases_that_somebody_may_not_see_is_in_no_sum_of_theirs(app: Countersign):
    before = december(app, "emily")
    submitted(app)
    assert december(app, "wangmin").days != before.days
    assert december(app, "emily") == before


def test_a_case_that_delivers_nothing_has_no_load(app: Countersign):
    small_cases.published(app, "small-case")
    small_cases.submitted(app, "small-case")
    assert sum(december(app, "wangmin").days) == 0
    assert december(app, "wangmin").unknown == 0


def test_waves_that_went_out_count_with_their_list_on_their_days(app: Countersign, tmp_path: Path):
    load_customers(app, tmp_path)
    today = app.now().astimezone(app.settings.zone).date()
    handed_off(app, window=[today.isoformat(), (today + timedelta(days=13)).isoformat()])
    load = calendars.month(app, viewer(app, "wangmin"), f"{today:%Y-%m}").pressure
    assert 0 < sum(load.days) <= 600
    assert load.days[today.day - 1] == sum(load.days)


def test_sums_are_over_every_case_of_the_month_though_few_are_listed(app: Countersign):
    for title in ("first", "second", "third"):
        submitted(app, title=title)
    me = viewer(app, "wangmin")
    every = calendars.month(app, me, "2026-12")
    few = calendars.month(app, me, "2026-12", most=1)
    assert (every.count, len(every.cases), every.is_cut) == (3, 3, False)
    assert (few.count, len(few.cases), few.is_cut) == (3, 1, True)
    assert few.days == every.days == (3,) * 31
    assert few.pressure.days == every.pressure.days
    assert few.pressure.cases.keys() == {few.cases[0].row.id}
    assert sum(every.pressure.cases.values()) == sum(every.pressure.days)
    january = calendars.month(app, me, "2027-01")
    assert (january.count, january.days) == (0, (0,) * 31)


def test_a_page_says_how_many_of_the_cases_it_lists(app: Countersign, monkeypatch: pytest.MonkeyPatch):
    for title in ("first", "second", "third"):
        submitted(app, title=title)
    monkeypatch.setattr(calendars.month, "__kwdefaults__", (calendars.month.__kwdefaults__ or {}) | {"most": 2})
    with TestClient(create_app(app)) as browser:
        session(app, browser, "wangmin")
        page = browser.get("/calendar?month=2026-12").text
        told = browser.get("/api/v1/calendar?month=2026-12").json()
        file = browser.get("/calendar?month=2026-12&format=csv").content.decode("utf-8-sig")
    assert '营销案 <span class="num">3</span>' in page and "按开始日列出前 2 个" in page
    assert (told["count"], len(told["cases"]), told["is_cut"]) == (3, 2, True)
    assert len(file.splitlines()) == 4, "a file has every case"
