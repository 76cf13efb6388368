"""Lifts against oracles: the published figures, statsmodels, scipy, and a truth that is known because it was made."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_effectsize
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from engine.evaluation.groups import Group, Sample, Spread, together
from engine.evaluation.uplift import Lift, adjusted, bootstrap, compare, compare_means, compare_rates, sample_ratio

MENS, WOMENS, NOBODY = (21307, 3894), (21387, 3238), (21306, 2262)
finite = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 3))


def rates(treated: tuple[int, int], control: tuple[int, int], confidence: float = 0.95) -> Lift:
    lift = compare_rates(Sample.counted(*treated), Sample.counted(*control), confidence)
    assert lift is not None
    return lift


def test_visits_of_the_published_experiment_come_out_to_the_digit() -> None:
    lift = rates(MENS, NOBODY)
    assert (lift.method, lift.test) == ("wald", "pooled z")
    assert lift.control_value == pytest.approx(0.10616727682343002, rel=1e-14)
    assert lift.lift == pytest.approx(0.07658956365153125, rel=1e-14)
    assert lift.relative_lift == pytest.approx(0.721404616781399, rel=1e-14)
    assert (lift.low, lift.high) == pytest.approx((0.06995334548485052, 0.08322578181821197), rel=1e-14)
    assert lift.p == pytest.approx(5.685165482802317e-112, rel=1e-9)


def test_sizes_of_the_published_experiment_are_as_planned() -> None:
    ratio = sample_ratio([21307, 21387, 21306])
    assert ratio is not None
    assert (round(ratio.chi2, 5), round(ratio.p, 4)) == (0.20253, 0.9037)
    assert not ratio.blocks


def test_a_broken_split_blocks_the_verdict() -> None:
    ratio = sample_ratio([10_000, 10_600])
    assert ratio is not None
    assert ratio.p == pytest.approx(stats.chisquare([10_000, 10_600]).pvalue)
    assert ratio.blocks


def test_planned_shares_are_what_sizes_are_measured_by() -> None:
    ratio = sample_ratio([9_000, 1_000], [0.9, 0.1])
    assert ratio is not None
    assert (ratio.chi2, ratio.p) == (0.0, 1.0)


def test_one_group_alone_has_no_ratio() -> None:
    assert sample_ratio([100]) is None
    assert sample_ratio([0, 0]) is None


@pytest.mark.parametrize("shares", [[1.0], [1.0, 0.0], [1.0, -1.0], [1.0, math.nan]])
def test_impossible_shares_are_refused(shares: list[float]) -> None:
    with pytest.raises(ValueError, match="one planned share above 0"):
        sample_ratio([5, 5], shares)


@given(st.integers(80, 5000), st.integers(80, 5000), st.floats(0, 1), st.floats(0, 1), st.floats(0.5, 0.999))
def test_wald_is_the_unpooled_normal_interval(n: int, m: int, x: float, y: float, confidence: float) -> None:
    a, b = 40 + round(x * (n - 80)), 40 + round(y * (m - 80))
    lift = rates((n, a), (m, b), confidence)
    sides = [DescrStatsW([0.0, 1.0], weights=[size - hits, hits]) for size, hits in ((n, a), (m, b))]
    assert (lift.low, lift.high) == pytest.approx(
        CompareMeans(*sides).zconfint_diff(alpha=1 - confidence, usevar="unequal"), rel=1e-9, abs=1e-12
    )


@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 9), st.integers(0, 9))
def test_few_outcomes_get_newcombe_and_fisher(n: int, m: int, a: int, b: int) -> None:
    a, b = min(a, n), min(b, m)
    lift = rates((n, a), (m, b))
    assert (lift.method, lift.test) == ("newcombe", "fisher exact")
    assert (lift.low, lift.high) == pytest.approx(
        confint_proportions_2indep(a, n, b, m, method="newcomb", compare="diff"), abs=1e-12
    )
    assert lift.p == pytest.approx(stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue, abs=1e-12)


def test_an_interval_of_nothing_is_not_of_width_zero() -> None:
    lift = rates((1000, 0), (1000, 0))
    assert lift.low < 0 < lift.high
    assert lift.p == 1.0
    assert lift.relative_lift is None
    assert lift.detectable is None


spreadout = st.lists(finite, min_size=2, max_size=60).filter(lambda values: np.ptp(values) > 0.01)


@given(spreadout, spreadout)
def test_means_are_compared_as_welch_does(treated: list[float], control: list[float]) -> None:
    lift = compare_means(Sample.of(treated), Sample.of(control))
    assert lift is not None
    oracle = stats.ttest_ind(treated, control, equal_var=False)
    assert lift.p == pytest.approx(oracle.pvalue, rel=1e-6, abs=1e-9)
    interval = oracle.confidence_interval(0.95)
    width = interval.high - interval.low
    assert (lift.low, lift.high) == pytest.approx((interval.low, interval.high), abs=width * 1e-6 + 1e-9)


def test_many_customers_get_the_normal_quantile() -> None:
    chance = np.random.default_rng(1)
    treated, control = chance.exponential(2, 4000), chance.exponential(1.9, 4000)
    lift = compare_means(Sample.of(treated), Sample.of(control))
    assert lift is not None
    oracle = CompareMeans(DescrStatsW(treated), DescrStatsW(control)).zconfint_diff(usevar="unequal")
    assert (lift.low, lift.high) == pytest.approx(oracle, rel=1e-9)


@pytest.mark.parametrize(
    ("treated", "control"),
    [([], [1.0, 2.0]), ([1.0], [1.0, 2.0]), ([5.0, 5.0], [5.0, 5.0]), ([0.0] * 50, [0.0] * 50), ([9.0] * 9, [1.0] * 9)],
)
def test_means_without_a_spread_are_not_compared(treated: list[float], control: list[float]) -> None:
    assert compare_means(Sample.of(treated), Sample.of(control)) is None


def test_an_empty_side_is_not_compared() -> None:
    assert compare("rate", Sample.counted(0, 0), Sample.counted(10, 5)) is None
    assert compare("rate", Sample.counted(10, 5), Sample.counted(0, 0)) is None


@given(
    st.sampled_from(["rate", "mean"]),
    st.lists(st.sampled_from([0.0, 1.0]), max_size=40),
    st.lists(st.sampled_from([0.0, 1.0]), max_size=40),
)
def test_no_figure_is_ever_infinite_or_not_a_number(measure: str, treated: list[float], control: list[float]) -> None:
    lift = compare("rate" if measure == "rate" else "mean", Sample.of(treated), Sample.of(control))
    if lift is None:
        return
    figures = [lift.value, lift.control_value, lift.lift, lift.low, lift.high, lift.p, lift.relative_lift or 0.0]
    assert all(math.isfinite(figure) for figure in [*figures, lift.detectable or 0.0])
    assert lift.low <= lift.lift <= lift.high or lift.method == "newcombe"
    assert 0 <= lift.p <= 1


@given(st.lists(finite, max_size=30), st.lists(finite, max_size=30))
def test_two_samples_together_are_the_sample_of_both(one: list[float], other: list[float]) -> None:
    both, whole = Sample.of(one) + Sample.of(other), Sample.of(one + other)
    assert both.n == whole.n
    assert both.mean == pytest.approx(whole.mean, rel=1e-9, abs=1e-6)
    assert both.deviations == pytest.approx(whole.deviations, rel=1e-6, abs=1e-3)


@given(st.lists(st.integers(0, 1000).map(float), min_size=1, max_size=40))
def test_sums_and_squares_give_the_same_sample(values: list[float]) -> None:
    summed = Sample.summed(len(values), sum(values), sum(value * value for value in values))
    whole = Sample.of(values)
    assert summed.n == whole.n
    assert summed.mean == pytest.approx(whole.mean)
    assert summed.deviations == pytest.approx(whole.deviations, rel=1e-6, abs=1e-3)


def test_more_successes_than_customers_cannot_be() -> None:
    with pytest.raises(ValueError, match="3 of 2 customers"):
        Sample.counted(2, 3)


def test_groups_together_add_up_their_values() -> None:
    one = Group(2, {"spend": Sample.of([1.0, 2.0])}, Sample.of([1.0, 2.0]), {"spend": Spread((1.0, 2.0), (1, 1))})
    other = Group(2, {"spend": Sample.of([2.0, 5.0])}, Sample.of([2.0, 5.0]), {"spend": Spread((2.0, 5.0), (1, 1))})
    both = together([one, other])
    assert both.n == 4
    assert both.value is not None
    assert both.value.total == 10
    assert dict(zip(both.spreads["spend"].values, both.spreads["spend"].counts, strict=True)) == {
        1.0: 1,
        2.0: 2,
        5.0: 1,
    }


def test_the_detectable_lift_is_found_four_times_in_five() -> None:
    n, base = 20_000, 0.05
    lift = rates((n, 1_000), (n, 1_000))
    assert lift.detectable is not None
    effect = proportion_effectsize(base + lift.detectable, base)
    assert NormalIndPower().power(effect, n, 0.05) == pytest.approx(0.8, abs=0.03)


def test_p_values_are_corrected_after_holm() -> None:
    assert adjusted([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert adjusted([]) == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_the_correction_after_holm_is_that_of_statsmodels(p_values: list[float]) -> None:
    assert adjusted(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_the_bootstrap_agrees_with_welch_and_repeats_itself() -> None:
    chance = np.random.default_rng(7)
    treated, control = chance.poisson(3, 3000), chance.poisson(2.8, 3000)
    spreads = []
    for side in (treated, control):
        values, counts = np.unique(side, return_counts=True)
        spreads.append(Spread(tuple(map(float, values)), tuple(map(int, counts))))
    interval = bootstrap(spreads[0], spreads[1])
    lift = compare_means(Sample.of(treated), Sample.of(control))
    assert interval is not None and lift is not None
    assert interval == pytest.approx((lift.low, lift.high), abs=0.02)
    assert bootstrap(spreads[0], spreads[1]) == interval


def test_the_bootstrap_is_left_out_for_nobody_and_for_too_many_values() -> None:
    many = Spread(tuple(map(float, range(5001))), (1,) * 5001)
    some = Spread((1.0, 2.0), (5, 5))
    assert bootstrap(many, some) is None
    assert bootstrap(Spread((), ()), some) is None


def test_without_an_effect_one_test_in_twenty_is_significant() -> None:
    chance = np.random.default_rng(5)
    runs = [
        rates((5000, int(chance.binomial(5000, 0.04))), (5000, int(chance.binomial(5000, 0.04)))) for _ in range(500)
    ]
    assert 10 <= sum(lift.is_significant(0.95) for lift in runs) <= 40
