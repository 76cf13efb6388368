"""League tables: intervals, who is told apart, who has too few."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from engine.evaluation.leagues import Tally, league, wilson


@pytest.mark.parametrize(("events", "n"), [(0, 30), (5, 30), (81, 263), (30, 30), (20_000, 1_000_000)])
def test_the_interval_is_wilsons(events: int, n: int) -> None:
    assert wilson(events, n) == pytest.approx(proportion_confint(events, n, method="wilson"), abs=1e-12)


def test_a_known_interval() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857, table I: 81 of 263 and 15 of 148 by the score method
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)


@pytest.mark.parametrize(("events", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_what_cannot_be_has_no_interval(events: int, n: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        wilson(events, n)


def test_places_that_overlap_are_tied_and_say_which_places_they_may_have() -> None:
    found = league([Tally("low", 1000, 50), Tally("best", 1000, 300), Tally("a", 1000, 200), Tally("b", 1000, 190)])
    assert [(one.key, one.rank, one.rank_low, one.rank_high, one.is_tied) for one in found.ranked] == [
        ("best", 1, 1, 1, False),
        ("a", 2, 2, 3, False),
        ("b", 3, 2, 3, True),
        ("low", 4, 4, 4, False),
    ]


def test_below_30_tries_or_5_successes_nobody_is_ranked() -> None:
    found = league([Tally("few", 29, 20), Tally("rare", 5000, 4), Tally("just", 30, 5), Tally("none", 0, 0)])
    assert [one.key for one in found.ranked] == ["just"]
    assert [one.key for one in found.too_few] == ["few", "rare", "none"]


def test_equal_rates_stand_in_a_steady_order_and_nothing_is_an_empty_table() -> None:
    tallies = [Tally("b", 100, 10), Tally("a", 100, 10), Tally("c", 200, 20)]
    assert [one.key for one in league(tallies).ranked] == ["c", "a", "b"]
    assert league([]) == league(iter(()))
    assert (league([]).ranked, league([]).too_few) == ((), ())


def test_thousands_of_places_are_ranked_at_once() -> None:
    found = league(Tally(str(n), 100 + n, 10 + n // 50) for n in range(5_000))
    assert [one.rank for one in found.ranked] == list(range(1, 5_001))
    assert all(one.rank_low <= one.rank <= one.rank_high for one in found.ranked)
