"""The figures of the process agree with a plain recomputation over the histories, and hold no case that the viewer may
not see."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine import clock
from engine.errors import Invalid, NotFound
from engine.machine.case import Decision
from engine.organisation import Workdays
from engine.service import approvals, courses, process_figures, proposals, workdays
from engine.service.app import Countersign
from engine.service.process_views import ProcessPage
from engine.store import history
from engine.store.session import Database
from engine.store.tables import cases, tasks
from tests.acceptance.offices import key, open_task, opened, viewer
from tests.security import small_cases

NAME = "small-case"


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path) as application:
        small_cases.published(application, NAME)
        yield application


def decide(app: Countersign, login: str, decision: Decision, remark: str = "") -> None:
    task = open_task(app, login)
    approvals.decide(app, viewer(app, login), task, decision, remark=remark, seen_seq=None, key=key())


def figures(app: Countersign, login: str = "wangmin", **filters: str) -> ProcessPage:
    courses.refresh(app)
    return process_figures.page(app, viewer(app, login), filters)


def worked(days: Workdays, start: datetime, end: datetime) -> int:
    """The working seconds between, minute by minute: from nine to half past five on working days."""
    zone, count = days.zone, 0
    day = start.astimezone(zone).date()
    while day <= end.astimezone(zone).date():
        if days.is_workday(day):
            opens, closes = (datetime.combine(day, at, zone) for at in (time(9), time(17, 30)))
            count += max(int((min(closes, end) - max(opens, start)).total_seconds()), 0)
        day += timedelta(days=1)
    return count


def rank(values: list[int], share: float) -> int:
    return sorted(values)[max(math.ceil(len(values) * share), 1) - 1]


def histories(app: Countersign) -> dict[str, list[tuple[datetime, dict[str, Any]]]]:
    """By case what happened to its tasks, in order, from the events of its history alone."""
    found: dict[str, list[tuple[datetime, dict[str, Any]]]] = {}
    with app.db.read() as tx:
        for case_id in history.case_ids(tx):
            found[case_id] = [
                (entry.at, event) for entry in history.load(tx, case_id) for event in json.loads(entry.body)["events"]
            ]
    return found


def test_times_agree_with_a_plain_recomputation_over_the_histories(app: Countersign, tmp_path: Path):
    for hours in (3, 30, 90, 170, 20):
        small_cases.submitted(app, NAME)
        clock.move(tmp_path / "clock", timedelta(hours=hours))
        decide(app, "liguoqiang", "approve")
    page = figures(app)
    spans, days = [], workdays.calendar(app)
    for events in histories(app).values():
        opened_at = {}
        for at, event in events:
            task = event.get("task")
            if event["type"] == "TaskOpened" and task["step"] == "county_head":
                opened_at[task["id"]] = at
            if event["type"] == "TaskClosed" and task["step"] == "county_head":
                spans.append((opened_at[task["id"]], at))
    clocked = [int(end.timestamp()) - int(start.timestamp()) for start, end in spans]
    in_work = [worked(days, start.replace(microsecond=0), end.replace(microsecond=0)) for start, end in spans]
    assert len(spans) == 5
    took = next(one.took for one in page.steps if one.step == "county_head")
    assert took is not None
    assert (took.n, took.half, took.most) == (5, rank(clocked, 0.5), rank(clocked, 0.9))
    assert (took.worked_half, took.worked_most) == (rank(in_work, 0.5), rank(in_work, 0.9))
    person = next(one for one in page.people if one.person == "liguoqiang")
    assert (person.took.n, person.took.half) == (5, took.half)
    assert page.few == 0
    me = viewer(app, "wangmin")
    drawn = process_figures.heat(app, me, {"definition": NAME}, lambda one, level: f"{one.step}-{level}")
    assert "county_head-4" in drawn
    assert "form.kind" not in drawn  # conditions are for who may read definitions
    assert {one.person: one.open for one in page.blocking} == Counter(
        row.person for row in open_rows(app) if row.verb != "copy"
    )


def open_rows(app: Countersign) -> list[Any]:
    with app.db.read() as tx:
        return list(tx.execute(sa.select(tasks.c.person, tasks.c.verb).where(tasks.c.state == "open")))


def test_returns_are_counted_with_their_reasons_ways_and_steps_entered_again(app: Countersign):
    sent_back = small_cases.submitted(app, NAME)
    decide(app, "liguoqiang", "return", "the budget is too large")
    proposals.submit(app, viewer(app, "wangmin"), sent_back, small_cases.form(budget="3000.00"), key=key())
    decide(app, "liguoqiang", "approve")
    small_cases.submitted(app, NAME, kind="filing")
    page = figures(app)
    assert (page.cases, page.returned, page.again, page.files) == (2, 1, 1, 1)
    assert [(one.remark, one.step, one.count) for one in page.reasons] == [
        ("the budget is too large", "county_head", 1)
    ]
    ways = {one.key: one.cases for one in page.ways}
    assert ways == {"county_head>county_head>city_finance": 1, "city_register": 1}
    head = next(one for one in page.steps if one.step == "county_head")
    assert (head.entered, head.cases, head.again, head.returned) == (2, 1, 1, 1)
    assert page.people == ()
    assert page.few == 1  # two decisions are too few to tell a person's time
    me = viewer(app, "wangmin")
    for part, name, what in (
        ("all", "", "returned"),
        ("step", "county_head", "again"),
        ("way", "county_head>county_head>city_finance", ""),
    ):
        found = process_figures.behind(app, me, {}, part=part, name=name, what=what)
        assert (found.total, [row.id for row in found.cases]) == (1, [sent_back])
    assert figures(app, kind="file").cases == 1
    assert figures(app, kind="approve").returned == 1


def test_cases_that_somebody_may_not_see_are_in_no_number_of_theirs(app: Countersign):
    small_cases.published(app, "secret-case", visibility="confidential")
    small_cases.submitted(app, NAME)
    before = figures(app, "emily")
    secret = small_cases.submitted(app, "secret-case")
    mine, theirs = figures(app, "wangmin"), figures(app, "emily")
    assert mine.cases == before.cases + 1
    asked = [[(one.person, one.open, one.overdue) for one in each.blocking] for each in (theirs, before)]
    assert asked[0] == asked[1]  # but not since when: a second may have passed
    assert (theirs.cases, theirs.took, theirs.steps, theirs.ways, theirs.months) == (
        before.cases,
        before.took,
        before.steps,
        before.ways,
        before.months,
    )
    shown = process_figures.behind(app, viewer(app, "emily"), {}, part="step", name="county_head")
    assert secret not in {row.id for row in shown.cases}
    with pytest.raises(NotFound):
        process_figures.heat(app, viewer(app, "emily"), {"definition": "secret-case"}, lambda one, level: "")
    assert "<svg" in process_figures.heat(app, viewer(app, "wangmin"), {"definition": NAME}, lambda one, level: "x")


def test_overdue_and_late_by_the_deadline_of_the_step(app: Countersign, tmp_path: Path):
    small_cases.submitted(app, NAME, kind="filing")
    clock.move(tmp_path / "clock", timedelta(days=30))
    page = figures(app)
    assert (page.overdue, page.late) == (1, 0)
    assert page.blocking[0].overdue == 1
    assert page.blocking[0].oldest >= 30 * 86400 - 5
    found = process_figures.behind(app, viewer(app, "wangmin"), {}, what="overdue")
    assert found.total == 1


def test_what_was_told_is_told_anew_when_a_case_goes_on(app: Countersign):
    small_cases.submitted(app, NAME)
    assert figures(app).behind == 0
    decide(app, "liguoqiang", "approve")
    stale = process_figures.page(app, viewer(app, "wangmin"), {})
    assert stale.behind == 1
    assert courses.catch_up(app) == 0  # a minute is not over
    assert courses.refresh(app) == 1
    assert courses.refresh(app) == 0
    assert process_figures.page(app, viewer(app, "wangmin"), {}).behind == 0


def test_filters_that_match_nothing_and_filters_that_cannot_be_read(app: Countersign):
    empty = figures(app)
    assert (empty.cases, empty.took, empty.steps, empty.months) == (0, None, (), ())
    small_cases.submitted(app, NAME)
    assert figures(app, until="2001-01-01").cases == 0
    today = app.now().astimezone(app.settings.zone).date().isoformat()
    assert figures(app, since=today, until=today, office="440111", definition=NAME, version="1").cases == 1
    assert figures(app, office="440106").cases == 0
    for filters in ({"since": "yesterday"}, {"version": "1"}, {"kind": "x"}, {"office": "nowhere"}):
        with pytest.raises(Invalid):
            figures(app, **filters)
    with pytest.raises(NotFound):
        process_figures.behind(app, viewer(app, "wangmin"), {}, part="customers")


def test_each_month_counts_its_cases_by_their_first_submission(app: Countersign, tmp_path: Path):
    wanted: dict[str, int] = defaultdict(int)
    for _ in range(3):
        small_cases.submitted(app, NAME)
        wanted[f"{app.now().astimezone(app.settings.zone):%Y-%m}"] += 1
        clock.move(tmp_path / "clock", timedelta(days=31))
    page = figures(app)
    assert {one.key: one.cases for one in page.months} == wanted
    assert [one.key for one in page.months] == sorted(wanted)
    with app.db.read() as tx:
        assert page.cases == len(tx.execute(sa.select(cases.c.id).where(cases.c.round > 0)).all())
