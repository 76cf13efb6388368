"""The verdict: one code for what the figures say, and warnings about what could make it wrong.

Cautious on purpose. A broken split between target and control stands above every figure; a lift that is there but does
not earn its cost is a loss. Refuses to speak of an effect where there is no control group.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.evaluation.uplift import FEWEST, Lift, Ratio

Verdict = Literal["works", "harms", "no_difference", "loses_money", "no_control", "sample_ratio", "too_early"]
Caution = Literal["few_outcomes", "small_control", "profit_uncertain", "many_comparisons"]
SMALL_CONTROL = 300

SENTENCES: dict[Verdict, str] = {
    "works": "The case works: target customers did more of it than the control group.",
    "harms": "The case harms: target customers did less of it than the control group.",
    "no_difference": "No difference from the control group can be shown.",
    "loses_money": "The case has an effect, but it costs more than it brings in.",
    "no_control": "There is no control group, so nobody can say what the case changed.",
    "sample_ratio": "The groups do not have the planned sizes; the comparison cannot be trusted.",
    "too_early": "There are too few outcomes yet to say anything.",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict with its warnings."""

    verdict: Verdict
    warnings: tuple[Caution, ...] = ()

    @property
    def sentence(self) -> str:
        """The verdict in plain words."""
        return SENTENCES[self.verdict]


def judge(
    *,
    lift: Lift | None,
    has_control: bool,
    ratio: Ratio | None,
    profit: Decimal | None,
    profit_low: Decimal | None = None,
    confidence: float = 0.95,
    p_adjusted: float | None = None,
) -> Judged:
    """Judge the primary outcome. `lift` None: nothing to compare; `p_adjusted`: its p among all looked at."""
    if not has_control:
        return Judged("no_control")
    by_chance = lift is not None and p_adjusted is not None and lift.p < 1 - confidence <= p_adjusted
    warnings = (*_warnings(lift, profit, profit_low), *(("many_comparisons",) if by_chance else ()))
    if ratio is not None and ratio.blocks:
        return Judged("sample_ratio", warnings)
    return Judged(_code(lift, profit, confidence), warnings)


def _code(lift: Lift | None, profit: Decimal | None, confidence: float) -> Verdict:
    if lift is None or (lift.method != "welch" and _outcomes(lift) < FEWEST):
        return "too_early"
    if not lift.is_significant(confidence):
        return "no_difference"
    if lift.lift < 0:
        return "harms"
    return "loses_money" if profit is not None and profit < 0 else "works"


def _warnings(lift: Lift | None, profit: Decimal | None, profit_low: Decimal | None) -> tuple[Caution, ...]:
    found: list[Caution] = []
    if lift is not None and lift.method == "newcombe":
        found.append("few_outcomes")
    if lift is not None and lift.n_control < SMALL_CONTROL:
        found.append("small_control")
    if profit is not None and profit_low is not None and profit >= 0 > profit_low:
        found.append("profit_uncertain")
    return tuple(found)


def _outcomes(lift: Lift) -> int:
    return round(lift.n * lift.value + lift.n_control * lift.control_value)
