"""95% intervals hold the truth in 93 to 97 of 100 simulated campaigns: 2,000 each, seeded, no matter the base rate."""

from functools import cache

import numpy as np
import pytest

from engine.evaluation.groups import Sample
from engine.evaluation.uplift import Lift, compare_means, compare_rates, fieller

RUNS = 2_000


@cache
def lift_of(n: int, successes: int, n_control: int, control_successes: int) -> Lift:
    lift = compare_rates(Sample.counted(n, successes), Sample.counted(n_control, control_successes))
    assert lift is not None
    return lift


@pytest.mark.parametrize(
    ("base", "truth", "n", "m"),
    [
        (0.024, 0.007, 4_950, 550),
        (0.03, 0.02, 18_000, 2_000),
        (0.01, 0.01, 9_000, 1_000),
        (0.004, 0.002, 42_000, 21_000),
        (0.05, 0.0, 900, 300),
        (0.3, -0.1, 500, 500),
        (0.5, 0.1, 300, 60),
    ],
)
def test_intervals_of_rates_hold_the_truth(base: float, truth: float, n: int, m: int) -> None:
    chance = np.random.default_rng(20261123)
    treated, control = chance.binomial(n, base + truth, RUNS), chance.binomial(m, base, RUNS)
    lifts = [lift_of(n, int(a), m, int(b)) for a, b in zip(treated, control, strict=True)]
    covered = sum(lift.low <= truth <= lift.high for lift in lifts) / RUNS
    assert 0.93 <= covered <= 0.97


def skewed(chance: np.random.Generator, n: int, buyers: float, spread: float) -> list[Sample]:
    """RUNS groups of `n` customers, of whom a share buys for a log-normal amount with mean 40."""
    found = []
    for bought in chance.binomial(n, buyers, RUNS):
        amounts = chance.lognormal(np.log(40) - spread**2 / 2, spread, bought)
        found.append(Sample.summed(n, float(amounts.sum()), float((amounts**2).sum())))
    return found


@pytest.mark.parametrize(
    ("buyers", "more", "spread", "n", "m"),
    [(0.03, 0.02, 0.5, 6_000, 3_000), (0.1, 0.0, 0.8, 4_000, 2_000), (0.2, 0.05, 1.0, 1_500, 1_500)],
)
def test_intervals_of_skewed_money_hold_the_truth(buyers: float, more: float, spread: float, n: int, m: int) -> None:
    chance = np.random.default_rng(20261123)
    truth, covered, relative = more * 40, 0, 0
    pairs = zip(skewed(chance, n, buyers + more, spread), skewed(chance, m, buyers, spread), strict=True)
    for treated, control in pairs:
        lift = compare_means(treated, control)
        assert lift is not None and lift.relative is not None
        covered += lift.low <= truth <= lift.high
        relative += lift.relative[0] <= more / buyers <= lift.relative[1]
    assert 0.93 <= covered / RUNS <= 0.97
    assert 0.93 <= relative / RUNS <= 0.97


def test_intervals_of_relative_lifts_of_rates_hold_the_truth() -> None:
    chance = np.random.default_rng(20261123)
    treated, control = chance.binomial(18_000, 0.05, RUNS), chance.binomial(2_000, 0.03, RUNS)
    covered = 0
    for a, b in zip(treated, control, strict=True):
        interval = fieller(Sample.counted(18_000, int(a)), Sample.counted(2_000, int(b)))
        assert interval is not None
        covered += interval[0] <= 0.05 / 0.03 - 1 <= interval[1]
    assert 0.93 <= covered / RUNS <= 0.97
