"""When a scheduled report goes: by the day, the week, the month, in its zone, on working days."""

from datetime import UTC, date, datetime

import pytest

from engine.service.mailing_times import Times, next_time


class Weekdays:
    """Monday to Friday, without 1 October."""

    def is_workday(self, day: date) -> bool:
        return day.weekday() < 5 and (day.month, day.day) != (10, 1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("times", "after", "expected"),
    [
        (Times("daily", 0, "08:30", "Asia/Shanghai", False), "2026-12-01T08:29+08:00", "2026-12-01T08:30+08:00"),
        (Times("daily", 0, "08:30", "Asia/Shanghai", False), "2026-12-01T08:30+08:00", "2026-12-02T08:30+08:00"),
        (Times("daily", 0, "08:30", "Asia/Shanghai", True), "2026-12-04T09:00+08:00", "2026-12-07T08:30+08:00"),
        (Times("weekly", 0, "08:30", "Asia/Shanghai", False), "2026-12-01T10:00+08:00", "2026-12-07T08:30+08:00"),
        (Times("weekly", 5, "08:30", "Asia/Shanghai", True), "2026-12-01T10:00+08:00", "2026-12-07T08:30+08:00"),
        (Times("weekly", 5, "08:30", "Asia/Shanghai", True), "2026-12-06T10:00+08:00", "2026-12-07T08:30+08:00"),
        (Times("monthly", 31, "08:30", "Asia/Shanghai", False), "2027-02-01T10:00+08:00", "2027-02-28T08:30+08:00"),
        (Times("monthly", 1, "08:30", "Asia/Shanghai", True), "2026-09-30T10:00+08:00", "2026-10-02T08:30+08:00"),
        (Times("daily", 0, "02:30", "Europe/Berlin", False), "2027-03-27T12:00+01:00", "2027-03-28T03:30+02:00"),
    ],
)
def test_the_next_time(times: Times, after: str, expected: str) -> None:
    assert next_time(times, at(after), Weekdays()) == at(expected)
