"""How small a rise of a rate a target group and a control group of given sizes can still show.

Asked before the approval, when a larger control group is still possible. Needs no statistics library, because pages ask
it. Refuses to promise: where even the largest possible rise could not be seen, the answer is None.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist

CONFIDENCE = 0.95
POWER = 0.8
STEPS = 60


def detectable_rise(
    base: float, n: int, n_control: int, *, confidence: float = CONFIDENCE, power: float = POWER
) -> float | None:
    """The smallest rise above the rate `base` that a two-sided test of two rates finds with the given power.

    Solves Fleiss, Levin and Paik 2003 (Statistical Methods for Rates and Proportions, 4.2) for the difference d between
    the rates p0 of the control group and p1 = p0 + d of the target group, with p their common rate:
    d = z(1 - alpha/2) sqrt(p (1 - p) (1/n + 1/n_control)) + z(power) sqrt(p1 (1 - p1)/n + p0 (1 - p0)/n_control).
    """
    if not 0 <= base < 1:
        raise ValueError(f"a rate of {base} has nothing above it")
    if min(n, n_control) < 1:
        return None
    sure, likely = NormalDist().inv_cdf((1 + confidence) / 2), NormalDist().inv_cdf(power)

    def is_seen(rise: float) -> bool:
        raised = base + rise
        common = (n * raised + n_control * base) / (n + n_control)
        no_rise = sqrt(common * (1 - common) * (1 / n + 1 / n_control))
        own = sqrt(raised * (1 - raised) / n + base * (1 - base) / n_control)
        return rise >= sure * no_rise + likely * own

    low, high = 0.0, 1 - base
    if not is_seen(high):
        return None
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_seen(middle) else (middle, high)
    return high


def detectable_among(base: float, sizes: Sequence[int], confidence: float = CONFIDENCE) -> float | None:
    """The same for two of several groups that are compared pair by pair: each pair must be so much surer (Bonferroni,
    which Holm's correction is never stricter than). None where not even the largest rise could be seen."""
    if len(sizes) < 2 or not 0 <= base < 1:
        return None
    least, next_one = sorted(sizes)[:2]
    pairs = len(sizes) * (len(sizes) - 1) // 2
    return detectable_rise(base, next_one, least, confidence=1 - (1 - confidence) / pairs)
