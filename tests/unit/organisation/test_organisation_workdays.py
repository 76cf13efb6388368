"""Working days, with the State Council's notices as the outside truth."""

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.organisation import OfficeHours, Workdays
from engine.organisation.workdays import caution
from engine.values import NO_TEXT, Duration
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


OFFICE = Workdays(ZoneInfo("Asia/Shanghai"), hours=OfficeHours.parse("09:00-17:30"))


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        ("2026-03-02T10:00", "3wd", "2026-03-05T10:00"),
        ("2026-03-02T06:00", "1wd", "2026-03-03T09:00"),
        ("2026-03-02T17:30", "1wd", "2026-03-03T17:30"),
        ("2026-03-02T17:31", "1wd", "2026-03-04T09:00"),
        ("2026-03-06T20:00", "1wd", "2026-03-10T09:00"),
        ("2026-03-02T10:00", "4wh", "2026-03-02T14:00"),
        ("2026-03-02T16:00", "4wh", "2026-03-03T11:30"),
        ("2026-03-06T17:30", "1wh", "2026-03-09T10:00"),
        ("2026-03-02T09:00", "17wh", "2026-03-03T17:30"),
        ("2026-09-30T16:30", "2wh", "2026-10-08T10:00"),
        ("2026-03-02T20:00", "72h", "2026-03-05T20:00"),
    ],
)
def test_with_office_hours_a_deadline_ends_within_them(start: str, duration: str, end: str) -> None:
    assert OFFICE.due(at(start), Duration.parse(duration)) == at(end)


def test_working_hours_without_office_hours_are_the_usual_ones() -> None:
    assert due("2026-03-02T16:00", "4wh") == "2026-03-03T11:30"


def test_the_operators_table_stands_above_the_library() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    own = Workdays(zone, {date(2026, 3, 3): False, date(2026, 3, 7): True})
    assert own.due(at("2026-03-02T10:00"), Duration.parse("1wd")) == at("2026-03-04T10:00")
    assert own.due(at("2026-03-06T10:00"), Duration.parse("1wd")) == at("2026-03-07T10:00")


def test_a_deadline_that_runs_through_years_without_a_notice_names_them() -> None:
    assert CN.unpublished(at("2026-03-02T10:00"), at("2026-12-31T23:59")) == ()
    assert CN.unpublished(at("2026-12-30T10:00"), at("2027-01-04T10:00")) == (2027,)
    assert CN.unpublished(at("2026-12-30T10:00"), at("2028-01-04T10:00")) == (2027, 2028)
    new_year_in_china = datetime(2026, 12, 31, 16, tzinfo=UTC)
    assert CN.unpublished(new_year_in_china, new_year_in_china) == (2027,)


def test_the_operators_table_knows_a_year_once_national_day_stands_in_it() -> None:
    zone, span = ZoneInfo("Asia/Shanghai"), (at("2030-05-01T00:00"), at("2030-05-09T00:00"))
    one_day_of_the_office = Workdays(zone, {date(2030, 5, 17): False})
    entered = Workdays(zone, {date(2030, 1, 1): False, date(2030, 10, 1): False})
    assert (one_day_of_the_office.published(2030), entered.published(2030)) == (False, True)
    assert (one_day_of_the_office.unpublished(*span), entered.unpublished(*span)) == ((2030,), ())


def test_the_caution_names_the_years_in_both_languages() -> None:
    assert caution(()) == NO_TEXT
    said = caution((2028, 2027, 2028))
    assert "2027、2028年放假安排尚未公布" in said.zh
    assert "The holidays of 2027 and 2028 are not published yet" in said.en


def test_whatever_moves_deadlines_changes_the_fingerprint() -> None:
    shanghai, hours = ZoneInfo("Asia/Shanghai"), OfficeHours.parse("09:00-17:30")
    day = date(2027, 2, 8)
    kinds = [
        Workdays(shanghai),
        Workdays(shanghai, {day: False}),
        Workdays(shanghai, {day: True}),
        Workdays(shanghai, hours=hours),
        Workdays(ZoneInfo("Asia/Urumqi")),
    ]
    assert len({calendar.fingerprint for calendar in kinds}) == len(kinds)
    assert Workdays(shanghai, {day: False}).fingerprint == Workdays(shanghai, {day: False}).fingerprint


@pytest.mark.parametrize("text", ["", "9:00-17:30", "17:30-09:00", "09:00-09:00", "09:00-24:00", "09:00"])
def test_office_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 09:00-17:30"):
        OfficeHours.parse(text)


@given(
    start=st.datetimes(datetime(2023, 1, 1), datetime(2033, 12, 31)),  # noqa: DTZ001  the zone is added below
    gap=st.timedeltas(timedelta(), timedelta(days=12)),
    amount=st.integers(1, 60),
    unit=st.sampled_from(["wd", "wh", "h"]),
    calendar=st.sampled_from([CN, OFFICE]),
)
def test_who_is_asked_later_never_has_to_answer_earlier(
    start: datetime, gap: timedelta, amount: int, unit: str, calendar: Workdays
) -> None:
    zone, duration = ZoneInfo("Asia/Shanghai"), Duration.parse(f"{amount}{unit}")
    first, second = start.replace(tzinfo=zone), (start + gap).replace(tzinfo=zone)
    assert first < calendar.due(first, duration) <= calendar.due(second, duration)
    longer = Duration.parse(f"{amount + 1}{unit}")
    assert calendar.due(first, duration) < calendar.due(first, longer)
    if duration.is_working:
        assert calendar.is_workday(calendar.due(first, duration).astimezone(zone).date())
