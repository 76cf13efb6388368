"""Contacts by day: whole numbers that add up to what a wave has."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.delivery.load import Span, by_day

DECEMBER = date(2026, 12, 1), date(2026, 12, 31)


def test_a_wave_is_spread_evenly_over_its_days():
    days = by_day([Span("sms", 10, date(2026, 12, 30), date(2027, 1, 2))], *DECEMBER)
    assert days == {date(2026, 12, 30): {"sms": 2}, date(2026, 12, 31): {"sms": 3}}


def test_channels_stand_beside_each_other():
    day = date(2026, 12, 5)
    days = by_day([Span("sms", 7, day, day), Span("hall", 5, day, day), Span("sms", 1, day, day)], *DECEMBER)
    assert days == {day: {"sms": 8, "hall": 5}}


@given(st.integers(0, 10**6), st.integers(0, 90), st.integers(0, 60))
def test_what_a_wave_has_within_some_days_is_the_sum_of_those_days(contacts: int, before: int, length: int):
    first = date(2026, 10, 1) + timedelta(days=before)
    span = Span("sms", contacts, first, first + timedelta(days=length))
    days = by_day([span], *DECEMBER)
    assert span.within(*DECEMBER) == sum(channels["sms"] for channels in days.values())
    assert all(DECEMBER[0] <= day <= DECEMBER[1] for day in days)


@given(st.integers(0, 10**7), st.integers(1, 31))
def test_nobody_is_lost_or_counted_twice(contacts: int, count: int):
    days = by_day([Span("sms", contacts, date(2026, 12, 1), date(2026, 12, count))], *DECEMBER)
    numbers = [days.get(date(2026, 12, day), {}).get("sms", 0) for day in range(1, count + 1)]
    assert sum(numbers) == contacts
    assert max(numbers) - min(numbers) <= 1
