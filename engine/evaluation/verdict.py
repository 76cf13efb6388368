"""The verdict: one code for what the figures say, and warnings about what could make it wrong.

Cautious on purpose. A broken split between target and control, or a control group that was messaged, stands above every
figure; a lift that is there but does not earn its cost is a loss. Refuses to speak of an effect where there is no
control group. `sentence` says it in words.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.evaluation.sentence import FEWEST_CUSTOMERS, FEWEST_OUTCOMES, Verdict
from engine.evaluation.uplift import Lift, Ratio

Caution = Literal[
    "few_outcomes", "small_control", "profit_uncertain", "many_comparisons", "contaminated_control",
    "nothing_delivered", "before_send", "revenue_unknown",
]  # fmt: skip
"""The last three are of the ledger and the answers of a case, and its report adds them."""
SMALL_CONTROL = 300


@dataclass(frozen=True, slots=True)
class Reached:
    """Control customers who were messaged all the same: `by_case` by the case itself, `by_others` by another one, `all`
    by either. With more than the share `at_most` no verdict is given; None: there is only a warning."""

    all: int
    by_case: int = 0
    by_others: int = 0
    at_most: float | None = None


NOBODY = Reached(0)


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict with its warnings."""

    verdict: Verdict
    warnings: tuple[Caution, ...] = ()


def judge(
    *,
    lift: Lift | None,
    sizes: tuple[int, int],
    ratio: Ratio | None,
    profit: Decimal | None,
    profit_low: Decimal | None = None,
    confidence: float = 0.95,
    p_adjusted: float | None = None,
    is_declared: bool = True,
    reached: Reached = NOBODY,
    was_sent: bool = True,
) -> Judged:
    """Judge the primary outcome of target and control groups of these `sizes`. `lift` None: nothing to compare;
    `p_adjusted`: its p among all looked at, which decides unless the comparison `is_declared` as the one question.
    Unless the case `was_sent` to anybody, whatever differs is chance."""
    n, n_control = sizes
    if not was_sent:
        return Judged("not_sent")
    if not n_control:
        return Judged("no_control")
    by_chance = lift is not None and p_adjusted is not None and lift.p < 1 - confidence <= p_adjusted
    warnings = (
        *_warnings(lift, n_control, profit, profit_low),
        *(("many_comparisons",) if by_chance else ()),
        *(("contaminated_control",) if reached.all else ()),
    )
    if ratio is not None and ratio.blocks:
        return Judged("sample_ratio", warnings)
    if reached.at_most is not None and reached.all > reached.at_most * n_control:
        return Judged("contaminated", warnings)
    if min(n, n_control) < FEWEST_CUSTOMERS:
        return Judged("too_small", warnings)
    return Judged(_code(lift, profit, confidence, None if is_declared else p_adjusted), warnings)


def _code(lift: Lift | None, profit: Decimal | None, confidence: float, p: float | None) -> Verdict:
    if lift is None or (lift.method != "welch" and _outcomes(lift) < FEWEST_OUTCOMES):
        return "too_early"
    if not lift.is_significant(confidence, p):
        return "no_difference"
    if lift.lift < 0:
        return "harms"
    return "loses_money" if profit is not None and profit < 0 else "works"


def _warnings(
    lift: Lift | None, n_control: int, profit: Decimal | None, profit_low: Decimal | None
) -> tuple[Caution, ...]:
    found: list[Caution] = []
    if lift is not None and lift.test == "fisher exact":
        found.append("few_outcomes")
    if n_control < SMALL_CONTROL:
        found.append("small_control")
    if profit is not None and profit_low is not None and profit >= 0 > profit_low:
        found.append("profit_uncertain")
    return tuple(found)


def _outcomes(lift: Lift) -> int:
    return round(lift.n * lift.value + lift.n_control * lift.control_value)
