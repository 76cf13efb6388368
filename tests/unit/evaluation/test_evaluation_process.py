"""Figures of a process: lead times, variants, rework, worked out by hand for a few cases."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.evaluation.process import Asked, Figures, Happened, Spread, before_the_first, by_case, figures, percentile
from engine.organisation.workdays import OfficeHours, Workdays
from engine.organisation.working_time import WorkingTime, on_weekdays

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
DECISION = {"decision": Asked("submit", "approve")}


def happened(case: str, text: str, *, hours: float = 1) -> list[Happened]:
    """Events `hours` apart: "submit/wang@county approve"."""
    found = []
    for number, word in enumerate(text.split()):
        activity, _, who = word.partition("/")
        person, _, office = who.partition("@")
        found.append(Happened(case, activity, MONDAY + timedelta(hours=hours * number), person, office, number))
    return found


def of(*cases: str, hours: float = 1) -> Figures:
    events = [one for number, text in enumerate(cases) for one in happened(f"c{number}", text, hours=hours)]
    return figures(by_case(events), DECISION)


def test_a_lead_time_runs_from_the_first_event_to_the_first_that_ends_it_after() -> None:
    found = of("approve submit return submit approve approve", "submit approve", "submit return", "draft")
    (lead,) = found.lead_times
    assert (lead.open, lead.absent) == (1, 1)
    assert lead.elapsed == Spread(2, 2 * 3600, pytest.approx(1.8 * 3600 + 3600))
    assert found.whole == Spread(4, 3600, pytest.approx(0.7 * 5 * 3600 + 0.3 * 3600))


def test_what_came_again_is_a_return_after_something_else_and_a_repeat_after_itself() -> None:
    found = of("submit return submit submit approve", "submit approve")
    submit = next(one for one in found.activities if one.name == "submit")
    assert (submit.events, submit.cases, submit.repeated_in, submit.returns, submit.again) == (4, 2, 1, 1, 1)
    assert (found.reworked, found.repeats) == (1, 2)
    assert submit.before == Spread(2, 3600, 3600)


def test_variants_come_with_the_most_frequent_first_and_shares_of_all_cases() -> None:
    found = of("a b", "a c", "a b", "a b c")
    assert [(one.sequence, one.cases, one.share) for one in found.variants] == [
        (("a", "b"), 2, 0.5),
        (("a", "b", "c"), 1, 0.25),
        (("a", "c"), 1, 0.25),
    ]


def test_who_was_at_work_and_how_often_it_changed_hands() -> None:
    found = of("submit/wang@county approve/li@city approve/li@city", "submit/wang@county approve/zhou@city")
    assert [(one.name, one.events, one.cases) for one in found.people] == [("li", 2, 1), ("wang", 2, 2), ("zhou", 1, 1)]
    assert [(one.name, one.events, one.cases) for one in found.offices] == [("city", 3, 2), ("county", 2, 2)]
    assert found.handovers == 2
    assert found.lead_times[0].by_office == {"city": Spread(2, 3600, 3600)}


def test_events_count_by_their_times_or_as_they_stand() -> None:
    late, early = happened("c", "submit"), happened("c", "approve")
    late = [one._replace(at=one.at + timedelta(hours=5)) for one in late]
    cases = by_case([*late, *early])
    by_time, by_file = figures(cases, DECISION), figures(cases, DECISION, order="file")
    assert (by_time.variants[0].sequence, by_file.variants[0].sequence) == (
        ("approve", "submit"),
        ("submit", "approve"),
    )
    assert by_time.backwards == by_file.backwards == 1
    assert by_file.lead_times[0].elapsed == Spread(1, -5 * 3600, -5 * 3600)


def test_what_stands_before_the_first_event_of_a_case_is_found() -> None:
    cases = by_case([*happened("a", "edit create edit"), *happened("b", "edit")])
    assert [(one.case, one.activity) for one in before_the_first(cases, "create", "file")] == [
        ("a", "edit"),
        ("b", "edit"),
    ]


def test_percentiles_lie_between_their_neighbours() -> None:
    assert [percentile([0.0, 10.0, 20.0, 30.0], share) for share in (0, 0.5, 0.9, 1)] == [0, 15, pytest.approx(27), 30]
    assert percentile([7.0], 0.9) == 7


ZONE = ZoneInfo("Asia/Shanghai")
OFFICE = OfficeHours(time(9), time(17, 30))


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE)


def by_minutes(hours: WorkingTime, start: datetime, end: datetime) -> float:
    """The plain way: every minute looked at."""
    minutes, moment = 0, start
    while moment < end:
        minutes += hours.is_workday(moment.date()) and OFFICE.opens <= moment.time() < OFFICE.closes
        moment += timedelta(minutes=1)
    return minutes * 60.0


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (at(date(2026, 3, 2), 10), at(date(2026, 3, 2), 12)),
        (at(date(2026, 3, 6), 16), at(date(2026, 3, 9), 9, 30)),
        (at(date(2025, 12, 30), 8), at(date(2026, 1, 6), 20)),  # the new year, and a make-up day on 4 January
        (at(date(2026, 2, 14), 3), at(date(2026, 2, 25), 12, 1)),  # spring festival
    ],
)
def test_working_time_is_every_minute_of_office_hours_on_working_days(start: datetime, end: datetime) -> None:
    hours = WorkingTime(Workdays(ZONE).is_workday, OFFICE, ZONE)
    assert hours.worked(start, end) == by_minutes(hours, start, end)
    assert hours.worked(start.astimezone(UTC), end.astimezone(UTC)) == hours.worked(start, end)
    assert hours.worked(end, start) == 0
    plain = WorkingTime(on_weekdays, OFFICE, ZONE)
    assert plain.worked(start, end) == by_minutes(plain, start, end)
