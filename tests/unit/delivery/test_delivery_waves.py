"""Waves and chunks: every customer once, the same on every machine."""

from typing import Any

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from engine.delivery.plan import Wave
from engine.delivery.waves import chunk_size, chunks, divide, sizes, turn


def _wave(name: str = "w", **more: Any) -> Wave:
    return Wave.model_validate({"name": name, "channel": "sms"} | more)


def test_shares_are_of_the_whole_and_rest_is_what_is_left() -> None:
    plan = [_wave("a", share="5%"), _wave("b", size=100), _wave("c", share="rest")]
    assert sizes(1010, plan) == (51, 100, 859)


def test_nobody_is_promised_more_customers_than_there_are() -> None:
    assert sizes(3, [_wave("a", size=2), _wave("b", size=2), _wave("c", share="rest")]) == (2, 1, 0)


def test_two_channels_are_two_deliveries_to_the_same_customers() -> None:
    planned = divide(100, [_wave("a", share="10%"), _wave("b", share="rest", channel=["sms", "file"])])
    assert [(p.position, p.channel, p.first, p.size) for p in planned] == [
        (1, "sms", 0, 10),
        (2, "sms", 10, 90),
        (3, "file", 10, 90),
    ]
    assert len({p.file for p in planned}) == 3


@given(st.integers(0, 5000), st.lists(st.integers(1, 40), max_size=4))
def test_the_waves_are_the_list_without_gaps_or_overlaps(total: int, shares: list[int]) -> None:
    plan = [_wave(f"s{n}", share=f"{share / 2}%") for n, share in enumerate(shares)] + [_wave("rest", share="rest")]
    planned = divide(total, plan)
    covered = [place for one in planned for place in range(one.first, one.first + one.size)]
    assert covered == list(range(total))


@given(st.integers(0, 3000), st.integers(1, 500))
def test_the_chunks_are_the_wave_without_gaps_or_overlaps(size: int, per_chunk: int) -> None:
    divided = list(chunks(size, per_chunk))
    assert [row for chunk in divided for row in range(chunk.first, chunk.last + 1)] == list(range(size))
    assert [chunk.position for chunk in divided] == list(range(len(divided)))


def test_a_slow_rate_makes_small_chunks() -> None:
    assert chunk_size(_wave(share="rest")) == 1000
    assert chunk_size(_wave(share="rest", rate="2000/min")) == 333
    assert chunk_size(_wave(share="rest", rate="1/h")) == 1


def test_whose_turn_it_is_depends_on_the_salt_and_on_nothing_else() -> None:
    customers = [f"k{n}" for n in range(50)]
    one, two = (sorted(customers, key=lambda customer, salt=salt: turn(customer, salt)) for salt in ("one", "two"))
    assert one != two
    assert sorted(one) == sorted(two) == sorted(customers)


def test_the_database_that_reads_the_list_computes_the_same_turn() -> None:
    with duckdb.connect() as database:
        row = database.execute("SELECT md5('s' || ':' || '客户-7')").fetchone()
    assert row == (turn("客户-7", "s"),)
