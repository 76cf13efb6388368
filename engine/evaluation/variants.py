"""Which of several texts did better: rates of equal parts of a wave, compared pair by pair, once.

The parts, the metric and the confidence were declared before; the number of pairs is minded (Holm). A winner is better
than every other; whatever is less than that is no winner. A split that cannot be by chance stands above every figure.
Refuses to call the highest rate the best one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from engine.evaluation.groups import Sample
from engine.evaluation.power import detectable_among
from engine.evaluation.uplift import Lift, adjusted, compare_rates, sample_ratio

Verdict = Literal["winner", "no_difference", "sample_ratio"]


@dataclass(frozen=True, slots=True)
class Part:
    """The customers of a variant: all that the wave gave it, those that were contacted, those that did it."""

    customers: int
    contacted: int
    did: int


@dataclass(frozen=True, slots=True)
class Pair:
    """The rate of `one` minus that of `other`, with Newcombe's interval, the p-value of the two-sided test, and the
    same corrected for the number of pairs after Holm."""

    one: str
    other: str
    difference: float
    low: float
    high: float
    test: str
    p: float
    p_adjusted: float

    def better(self, confidence: float) -> str:
        """Which of the two surely did better; empty where test and interval do not both say so."""
        if self.p_adjusted >= 1 - confidence or not (self.low > 0 or self.high < 0):
            return ""
        return self.one if self.difference > 0 else self.other


@dataclass(frozen=True, slots=True)
class Compared:
    """What came out. `winner` is empty unless there is one. `ratio_p`: how likely a split of those contacted is that is
    as far from equal. `detectable`: the smallest difference that parts of this size show 4 times in 5."""

    verdict: Verdict
    winner: str
    pairs: tuple[Pair, ...]
    ratio_p: float | None
    detectable: float | None


def compare_variants(parts: Mapping[str, Part], confidence: float) -> Compared:
    """Compare two or more variants.

    >>> compare_variants({"a": Part(500, 500, 15), "b": Part(500, 500, 60)}, 0.95).winner
    'b'
    """
    ratio = sample_ratio([one.contacted for one in parts.values()])
    pairs = _pairs(parts, confidence)
    shown = smallest_difference(parts, confidence)
    ratio_p = None if ratio is None else ratio.p
    if ratio is not None and ratio.blocks:
        return Compared("sample_ratio", "", pairs, ratio_p, shown)
    winner = next((name for name in parts if _beats_all(name, parts, pairs, confidence)), "")
    return Compared("winner" if winner else "no_difference", winner, pairs, ratio_p, shown)


def smallest_difference(parts: Mapping[str, Part], confidence: float) -> float | None:
    """The smallest difference that parts of this size show, from the rate that all of them have together."""
    customers, did = sum(one.customers for one in parts.values()), sum(one.did for one in parts.values())
    return (
        detectable_among(did / customers, [one.customers for one in parts.values()], confidence) if customers else None
    )


def _pairs(parts: Mapping[str, Part], confidence: float) -> tuple[Pair, ...]:
    found: dict[tuple[str, str], Lift] = {}
    for one, other in combinations(parts, 2):
        lift = compare_rates(_sample(parts[one]), _sample(parts[other]), confidence)
        if lift is not None:
            found[one, other] = lift
    holm = adjusted([lift.p for lift in found.values()])
    return tuple(
        Pair(one, other, lift.lift, *_newcombe(lift), lift.test, lift.p, p)
        for ((one, other), lift), p in zip(found.items(), holm, strict=True)
    )


def _newcombe(lift: Lift) -> tuple[float, float]:
    return (lift.low, lift.high) if lift.method == "newcombe" else lift.others["newcombe"]


def _sample(part: Part) -> Sample:
    return Sample.counted(part.customers, part.did)


def _beats_all(name: str, parts: Mapping[str, Part], pairs: tuple[Pair, ...], confidence: float) -> bool:
    own = [pair for pair in pairs if name in (pair.one, pair.other)]
    return len(own) == len(parts) - 1 and all(pair.better(confidence) == name for pair in own)
