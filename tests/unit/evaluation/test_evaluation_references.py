"""Figures against published examples and against formulas written out here once more."""

import math

import numpy as np
import pytest
from scipy import stats

from engine.evaluation.groups import Group, Sample
from engine.evaluation.subgroups import corrected, interaction, subgroups
from engine.evaluation.uplift import Lift, compare_means, compare_rates, fieller

Z = 1.959963984540054


@pytest.mark.parametrize(
    ("treated", "control", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 20), 0.6791, 1.0000),
    ],
)
def test_the_examples_of_newcombe_1998_table_ii_come_out_as_printed(
    treated: tuple[int, int], control: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe 1998, Statistics in Medicine 17:873, table II, method 10: contrasts (a), (b), (d) and (g)."""
    lift = compare_rates(Sample.counted(treated[1], treated[0]), Sample.counted(control[1], control[0]))
    assert lift is not None
    assert lift.method == "newcombe"
    assert (lift.low, lift.high) == pytest.approx((low, high), abs=5e-5)


def test_newcombe_is_two_wilson_intervals_combined() -> None:
    def wilson(hits: int, n: int) -> tuple[float, float]:
        p = hits / n
        middle, half = p + Z * Z / (2 * n), Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        return (middle - half) / (1 + Z * Z / n), (middle + half) / (1 + Z * Z / n)

    (low_t, high_t), (low_c, high_c) = wilson(12, 400), wilson(7, 300)
    p_t, p_c = 12 / 400, 7 / 300
    expected = (
        p_t - p_c - math.hypot(p_t - low_t, high_c - p_c),
        p_t - p_c + math.hypot(high_t - p_t, p_c - low_c),
    )
    lift = compare_rates(Sample.counted(400, 12), Sample.counted(300, 7))
    assert lift is not None
    assert (lift.low, lift.high) == pytest.approx(expected, rel=1e-9)


def test_welch_is_the_formula_of_1947() -> None:
    chance = np.random.default_rng(11)
    treated, control = chance.gamma(2, 10, 40), chance.gamma(2, 8, 25)
    v, w = treated.var(ddof=1) / 40, control.var(ddof=1) / 25
    freedom = (v + w) ** 2 / (v**2 / 39 + w**2 / 24)
    gap = treated.mean() - control.mean()
    half = stats.t.ppf(0.975, freedom) * math.sqrt(v + w)
    lift = compare_means(Sample.of(treated), Sample.of(control))
    assert lift is not None
    assert (lift.low, lift.high) == pytest.approx((gap - half, gap + half), rel=1e-9)


def test_the_relative_interval_holds_every_ratio_that_fieller_does_not_reject() -> None:
    """Fieller 1954: the ratios r with |t − r·c| ≤ z·√(s²t/n + r²·s²c/m); at the ends of the interval both are equal."""
    treated, control = Sample.counted(4_950, 153), Sample.counted(5_500, 132)
    interval = fieller(treated, control)
    assert interval is not None
    for end in interval:
        ratio = 1 + end
        error = math.sqrt(treated.variance / treated.n + ratio**2 * control.variance / control.n)
        assert abs(treated.mean - ratio * control.mean) == pytest.approx(Z * error, rel=1e-9)


def test_a_control_mean_that_may_be_zero_has_no_relative_interval() -> None:
    assert fieller(Sample.counted(500, 20), Sample.counted(500, 2)) is None
    assert fieller(Sample.counted(500, 20), Sample.counted(500, 0)) is None


def counted(n: int, hits: int) -> Lift:
    lift = compare_rates(Sample.counted(n, hits), Sample.counted(1_000, 100))
    assert lift is not None
    return lift


def test_the_interaction_is_the_chi_squared_of_the_weighted_distances() -> None:
    lifts = [counted(1_000, hits) for hits in (110, 150, 190)]
    weights = [
        1 / (a * (1 - a) / 999 + 0.1 * 0.9 / 999) for a in (0.11, 0.15, 0.19)
    ]  # 1 / (s²/n) with s² = p(1 − p)n/(n − 1)
    gaps = (0.01, 0.05, 0.09)
    mean = sum(w * d for w, d in zip(weights, gaps, strict=True)) / sum(weights)
    q = sum(w * (d - mean) ** 2 for w, d in zip(weights, gaps, strict=True))
    found = interaction(lifts)
    assert found is not None
    assert (found.q, found.p) == pytest.approx((q, stats.chi2.sf(q, 2)), rel=1e-9)
    assert interaction(lifts[:1]) is None


def test_rows_of_all_subgroup_tables_are_one_family_and_so_are_their_interactions() -> None:
    def group(hits: int) -> Group:
        return Group(1_000, {"visit": Sample.counted(1_000, hits)})

    def tables(column: str, *hits: int) -> dict[str, dict[str, tuple[Group, Group]]]:
        return {"a": {f"{column}{n}": (group(one), group(100)) for n, one in enumerate(hits)}}

    found = corrected(
        [
            *subgroups("x", tables("x", 128, 130), {"visit": "rate"}),
            *subgroups("y", tables("y", 180, 101), {"visit": "rate"}, unknown={"a": 7}),
        ]
    )
    rows = [row for table in found for row in table.rows]
    raw = [row.lift.p for row in rows if row.lift is not None]
    assert [row.value for row in rows] == ["x0", "x1", "y0", "y1"]
    assert max(raw[:2]) < 0.06 < min(row.holm or 0 for row in rows[:2])
    assert rows[2].holm == pytest.approx(4 * raw[2])
    alike, apart = (table.interaction for table in found)
    assert alike is not None and apart is not None
    assert (alike.holm > 0.5, apart.holm < 0.001) == (True, True)
    assert apart.holm == pytest.approx(2 * apart.p)
    assert [table.unknown for table in found] == [0, 7]
