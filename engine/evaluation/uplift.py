"""What the case made different: target customers against the control group, from counts and sums alone.

Everything here works on a `Sample` (how many, their mean, their spread), so a comparison of millions costs what one of
ten costs; only the bootstrap needs the values, as distinct values with counts. Sources of the formulas are in
docs/evaluation.md. Refuses to make up a number: where a comparison has no basis it is None, never NaN or infinite.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import isfinite, sqrt

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from engine.evaluation.groups import MOST_DISTINCT, Sample, Spread
from engine.evaluation.metrics import Measure

FEWEST = 10  # outcomes, and customers without it, that each side needs for the z test (Agresti 2013, 1.3)
WALD_FROM = 40  # the same for Wald's interval: switching at 10 made 95% intervals cover 97.5% (2.4% of 550 in control)
NORMAL_FROM = 1000  # degrees of freedom from which t and normal quantiles differ by less than 0.13%
BLOCKED_BELOW = 0.01  # a sample-ratio p-value below this blocks the verdict
POWER = 0.8
RESAMPLES = 2000
SEED = 20080320


@dataclass(frozen=True, slots=True)
class Lift:
    """The difference target - control. `method` names the interval, `test` what gave `p`; `others` holds further
    intervals by name. `detectable` is the smallest lift that this size of groups finds 4 times in 5; `relative` the
    interval of the relative lift, None where the control group's value may be 0 or outcomes are few. `error` is the
    standard error of the lift."""

    method: str
    test: str
    n: int
    n_control: int
    value: float
    control_value: float
    lift: float
    relative_lift: float | None  # None where the control group's value is 0
    low: float
    high: float
    p: float
    detectable: float | None
    others: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    relative: tuple[float, float] | None = None
    error: float = 0.0

    def is_significant(self, confidence: float, p: float | None = None) -> bool:
        """Whether interval and test agree that there is a difference; `p` is its p-value after a correction."""
        return (self.low > 0 or self.high < 0) and (self.p if p is None else p) < 1 - confidence


@dataclass(frozen=True, slots=True)
class Ratio:
    """Whether the groups have the sizes that were planned: chi-squared goodness of fit."""

    chi2: float
    p: float

    @property
    def blocks(self) -> bool:
        """Whether the split is so unlikely that no verdict may rest on it."""
        return self.p < BLOCKED_BELOW


def compare(measure: Measure, treated: Sample, control: Sample, confidence: float = 0.95) -> Lift | None:
    """The lift of `treated` over `control`; None where nothing can be compared (a side is empty, or has no spread)."""
    if measure == "rate":
        return compare_rates(treated, control, confidence)
    return compare_means(treated, control, confidence)


def compare_rates(treated: Sample, control: Sample, confidence: float = 0.95) -> Lift | None:
    """The difference of two rates. Wald's interval where both sides have 40 of both outcomes, else Newcombe's, which
    stands in `others` either way; the pooled z test where both have 10, else Fisher's exact test."""
    if not (treated.n and control.n):
        return None
    counts = (treated.successes, treated.n, control.successes, control.n)
    made = partial(_lift, treated, control, measure="rate", confidence=confidence)
    newcombe = _floats(
        confint_proportions_2indep(*counts, method="newcomb", compare="diff", alpha=1 - confidence, correction=False)
    )
    fewest = min(min(side.successes, side.n - side.successes) for side in (treated, control))
    if fewest >= FEWEST:
        test, p = "pooled z", float(proportions_ztest([counts[0], counts[2]], [counts[1], counts[3]])[1])
    else:
        table = [[counts[0], counts[1] - counts[0]], [counts[2], counts[3] - counts[2]]]
        test, p = "fisher exact", min(1.0, float(stats.fisher_exact(table).pvalue))
    if fewest < WALD_FROM:
        return made(method="newcombe", test=test, interval=newcombe, p=p)
    wald = _around(treated.mean - control.mean, _error(treated, control), confidence)
    return made(method="wald", test=test, interval=wald, p=p, others={"newcombe": newcombe})


def compare_means(treated: Sample, control: Sample, confidence: float = 0.95) -> Lift | None:
    """The difference of two means after Welch: spreads may differ, customers with 0 count."""
    if min(treated.n, control.n) < 2:
        return None
    error = _error(treated, control)
    if not (error > 0 and isfinite(error)):
        return None
    freedom = _freedom(treated, control)
    lift = treated.mean - control.mean
    interval = _around(lift, error, confidence, freedom)
    p = float(2 * stats.t.sf(abs(lift) / error, freedom))
    made = partial(_lift, treated, control, measure="mean", confidence=confidence)
    return made(method="welch", test="welch t", interval=interval, p=p)


def sample_ratio(observed: Sequence[int], shares: Sequence[float] | None = None) -> Ratio | None:
    """Test group sizes against the planned `shares` (relative; by default equal); None with fewer than two groups."""
    if len(observed) < 2 or not sum(observed):
        return None
    planned = np.ones(len(observed)) if shares is None else np.asarray(shares, dtype=float)
    if len(planned) != len(observed) or not (np.isfinite(planned).all() and (planned > 0).all()):
        raise ValueError("one planned share above 0 for every group")
    result = stats.chisquare(observed, planned / planned.sum() * sum(observed))
    return Ratio(float(result.statistic), float(result.pvalue))


def detectable(measure: Measure, control: Sample, n: int, n_control: int, confidence: float = 0.95) -> float | None:
    """The smallest lift found with power 0.8 by a two-sided test of groups this size, spread as in `control`; None
    where its spread is not known."""
    if control.deviations <= 0 or control.n < 2 or min(n, n_control) < 1:
        return None
    spread = control.mean * (1 - control.mean) if measure == "rate" else control.variance
    reach = stats.norm.ppf((1 + confidence) / 2) + stats.norm.ppf(POWER)
    return float(reach * sqrt(spread * (1 / n + 1 / n_control)))


def fieller(treated: Sample, control: Sample, confidence: float = 0.95) -> tuple[float, float] | None:
    """The interval of the relative lift (treated / control - 1) after Fieller (1954): where the lift's own interval
    excludes 0, so does this one. None where the control group's mean itself cannot be told from 0: then the ratio has
    no bounded interval."""
    if min(treated.n, control.n) < 2 or not control.mean:
        return None
    above, below = treated.variance / treated.n, control.variance / control.n
    freedom = _freedom(treated, control) if above + below > 0 else float("inf")
    squared = _reach(confidence, freedom) ** 2
    left = control.mean**2 - squared * below
    inside = (treated.mean * control.mean) ** 2 - left * (treated.mean**2 - squared * above)
    if left <= 0 or inside < 0:
        return None
    middle, half = treated.mean * control.mean / left, sqrt(inside) / left
    return (middle - half - 1, middle + half - 1)


def adjusted(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p-values corrected for their number after Holm (1979), in the same order: the k-th smallest of m times
    m - k + 1, never below the one before, at most 1. statsmodels does the same, and with every call has the whole
    process collect its garbage, which takes 0.1 to 1 s of everybody's time."""
    found = [0.0] * len(p_values)
    least = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        found[place] = least
    return tuple(found)


def bootstrap(treated: Spread, control: Spread, confidence: float = 0.95) -> tuple[float, float] | None:
    """Percentile bootstrap of the difference of means, the same every time for the same input; None for empty
    groups or more than 5,000 distinct values on a side."""
    sides = (treated, control)
    if any(not sum(side.counts) or len(side.values) > MOST_DISTINCT for side in sides):
        return None
    chance = np.random.default_rng(SEED)
    means = [_resampled(side, chance) for side in sides]
    tail = (1 - confidence) / 2
    low, high = np.quantile(means[0] - means[1], [tail, 1 - tail])
    return (float(low), float(high))


def _resampled(side: Spread, chance: np.random.Generator) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    n = sum(side.counts)
    values = np.asarray(side.values, dtype=float)
    shares = np.asarray(side.counts, dtype=float) / n
    return np.array([chance.multinomial(n, shares) @ values / n for _ in range(RESAMPLES)])


def _lift(
    treated: Sample,
    control: Sample,
    *,
    measure: Measure,
    method: str,
    test: str,
    interval: tuple[float, float],
    p: float,
    confidence: float,
    others: Mapping[str, tuple[float, float]] | None = None,
) -> Lift:
    lift = treated.mean - control.mean
    return Lift(
        method=method,
        test=test,
        n=treated.n,
        n_control=control.n,
        value=treated.mean,
        control_value=control.mean,
        lift=lift,
        relative_lift=_relative(lift, control.mean),
        low=interval[0],
        high=interval[1],
        p=p,
        detectable=detectable(measure, control, treated.n, control.n, confidence),
        others=others or {},
        relative=None if test == "fisher exact" else fieller(treated, control, confidence),
        error=_error(treated, control) if min(treated.n, control.n) > 1 else 0.0,
    )


def _relative(lift: float, base: float) -> float | None:
    share = lift / base if base else None
    return share if share is not None and isfinite(share) else None


def _error(treated: Sample, control: Sample) -> float:
    return sqrt(treated.variance / treated.n + control.variance / control.n)


def _freedom(treated: Sample, control: Sample) -> float:
    parts = [side.variance / side.n for side in (treated, control)]
    weights = [part / sum(parts) for part in parts]
    return 1 / (weights[0] ** 2 / (treated.n - 1) + weights[1] ** 2 / (control.n - 1))


def _around(middle: float, error: float, confidence: float, freedom: float = float("inf")) -> tuple[float, float]:
    reach = _reach(confidence, freedom)
    return (middle - reach * error, middle + reach * error)


def _reach(confidence: float, freedom: float) -> float:
    tail = (1 + confidence) / 2
    return float(stats.norm.ppf(tail) if freedom >= NORMAL_FROM else stats.t.ppf(tail, freedom))


def _floats(pair: Sequence[float]) -> tuple[float, float]:
    return (float(pair[0]), float(pair[1]))
