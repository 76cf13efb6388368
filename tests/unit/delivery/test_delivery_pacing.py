"""Rates, hours and back-off as plain arithmetic."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.delivery.pacing import Bucket, backoff, ends_at, is_open, next_look, next_open, refill, room, take
from engine.delivery.plan import Hours, Rate, Wave

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOURS = Hours.model_validate("09:00-20:00")
START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai


def test_messages_go_from_the_first_minute_to_before_the_last() -> None:
    assert not is_open(HOURS, START - timedelta(seconds=1), SHANGHAI)
    assert is_open(HOURS, START, SHANGHAI)
    assert is_open(HOURS, START + timedelta(hours=11, seconds=-1), SHANGHAI)
    assert not is_open(HOURS, START + timedelta(hours=11), SHANGHAI)
    assert is_open(None, START, SHANGHAI)


def test_what_comes_at_night_goes_in_the_morning() -> None:
    assert next_open(HOURS, START, SHANGHAI) == START
    assert next_open(HOURS, START - timedelta(hours=3), SHANGHAI) == START
    assert next_open(HOURS, START + timedelta(hours=12), SHANGHAI) == START + timedelta(days=1)


def test_the_morning_after_the_clock_change_is_by_the_clock_on_the_wall() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    night = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)  # summer time begins on 29 March
    assert next_open(HOURS, night, berlin) == datetime(2026, 3, 29, 7, 0, tzinfo=UTC)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=200), st.integers(1, 5000))
def test_over_any_span_no_more_leave_than_the_rate_and_one_chunk(counts: list[int], pause_ms: int) -> None:
    rate, burst = Rate.model_validate("600/min"), max(counts)
    bucket: Bucket | None = None
    sent, now = 0, START
    for count in counts:
        now += timedelta(milliseconds=pause_ms)
        full = refill(bucket, rate, burst, now)
        after = take(full, count)
        if after is not None:
            sent += count
        bucket = after or full
    assert sent <= 10 * (now - START).total_seconds() + 2 * burst


def test_a_debt_is_paid_by_waiting() -> None:
    rate = Rate.model_validate("100/s")
    after = take(Bucket(Decimal(1), START), 1000)
    assert after is not None and after.tokens == -999
    assert take(refill(after, rate, 1000, START + timedelta(seconds=9)), 1) is None
    assert take(refill(after, rate, 1000, START + timedelta(seconds=10)), 1) is not None


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = Bucket(Decimal(5), START)
    assert refill(bucket, Rate.model_validate("100/s"), 1000, START - timedelta(hours=1)) == bucket


def test_backoff_doubles_up_to_a_minute_and_does_what_the_gateway_asks() -> None:
    assert [backoff(n).total_seconds() for n in (1, 2, 3, 7, 50)] == [1, 2, 4, 60, 60]
    assert backoff(1, 120) == timedelta(minutes=2)
    assert backoff(1, 1e9) == timedelta(hours=1)


def _wave(**more: object) -> Wave:
    return Wave.model_validate({"name": "w", "size": 10, "channel": "sms", **more})


@pytest.mark.parametrize(
    ("more", "started", "ends"),
    [
        ({"hours": "09:00-20:00"}, "2026-11-20T22:00+08:00", None),
        ({"hours": "09:00-20:00", "outside": "drop"}, "2026-11-20T10:00+08:00", "2026-11-20T20:00+08:00"),
        ({"hours": "09:00-20:00", "outside": "drop"}, "2026-11-20T22:00+08:00", "2026-11-21T20:00+08:00"),
        ({"outside": "expire", "expires": "36h"}, "2026-11-20T22:00+08:00", "2026-11-22T10:00+08:00"),
    ],
)
def test_a_wave_gives_up_when_its_plan_says_so(more: dict[str, object], started: str, ends: str | None) -> None:
    found = ends_at(_wave(**more), datetime.fromisoformat(started), ZoneInfo("Asia/Shanghai"))
    assert found == (None if ends is None else datetime.fromisoformat(ends))


@pytest.mark.parametrize(
    ("more", "now", "fits"),
    [
        ({}, "2026-11-20T22:00+08:00", None),
        ({"outside": "expire", "expires": "2d"}, "2026-11-20T22:00+08:00", None),
        ({"outside": "expire", "expires": "2d", "rate": "100/h"}, "2026-11-21T22:00+08:00", 2400),
        (
            {"outside": "expire", "expires": "2d", "rate": "100/h", "hours": "09:00-20:00"},
            "2026-11-21T19:00+08:00",
            1200,
        ),
        ({"outside": "expire", "expires": "8h", "hours": "09:00-20:00"}, "2026-11-20T22:00+08:00", 0),
    ],
)
def test_a_wave_has_room_for_what_its_rate_lets_out_in_its_hours(
    more: dict[str, object], now: str, fits: int | None
) -> None:
    started, zone = datetime.fromisoformat("2026-11-20T22:00+08:00"), ZoneInfo("Asia/Shanghai")
    assert room(_wave(**more), started, datetime.fromisoformat(now), zone) == fits


@pytest.mark.parametrize(("took", "again"), [(0.0, 1.0), (0.2, 1.0), (0.3, 1.5), (2.0, 10.0)])
def test_a_stop_rule_that_takes_long_to_look_at_is_looked_at_less_often(took: float, again: float) -> None:
    assert next_look(100.0, 100.0 + took) == pytest.approx(100.0 + again)
