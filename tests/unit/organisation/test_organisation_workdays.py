"""Working days, with the State Council's notices as the outside truth."""

import json
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from engine.organisation import Workdays
from engine.values import Duration
from tests.support import shared

CN = Workdays(ZoneInfo("Asia/Shanghai"))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


def due(start: str, duration: str) -> str:
    return CN.due(at(start), Duration.parse(duration)).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(("year", "number"), [(2024, 251), (2025, 248), (2026, 248)])
def test_the_working_days_of_a_year_are_those_of_the_notices(year: int, number: int) -> None:
    assert CN.between(date(year, 1, 1), date(year + 1, 1, 1)) == number


@pytest.mark.parametrize("year", range(2020, 2027))
def test_every_day_of_a_notice_is_known(year: int) -> None:
    notice = json.loads((shared("data/china_holidays") / f"{year}.json").read_text())
    for day in notice["days"]:
        assert CN.is_workday(date.fromisoformat(day["date"])) is not day["isOffDay"], day


def test_a_working_day_later_is_the_same_time_of_day() -> None:
    assert due("2026-03-02T09:30", "1wd") == "2026-03-03T09:30"
    assert due("2026-03-06T09:30", "1wd") == "2026-03-09T09:30"  # Friday to Monday


def test_make_up_days_count_and_holidays_do_not() -> None:
    assert due("2026-09-30T10:00", "3wd") == "2026-10-10T10:00"


def test_a_span_that_starts_on_a_day_off_starts_with_the_next_working_day() -> None:
    assert due("2026-03-07T15:00", "1wd") == "2026-03-10T00:00"


def test_the_day_is_that_of_the_office_not_of_the_clock() -> None:
    friday_evening_in_utc = datetime(2026, 3, 6, 17, 0, tzinfo=UTC)  # Saturday 01:00 in China
    assert CN.due(friday_evening_in_utc, Duration.parse("1wd")) == at("2026-03-10T00:00")
    assert CN.due(friday_evening_in_utc, Duration.parse("1wd")).tzinfo is UTC


def test_clock_time_runs_through_holidays() -> None:
    assert due("2026-09-30T10:00", "72h") == "2026-10-03T10:00"
    assert due("2026-09-30T10:00", "7d") == "2026-10-07T10:00"


def test_a_year_without_a_notice_falls_back_to_monday_to_friday_and_says_so() -> None:
    assert CN.published(2026)
    assert not CN.published(2031)
    assert CN.is_workday(date(2031, 10, 1))  # a Wednesday
    assert not CN.is_workday(date(2031, 10, 4))
