"""What a call comes to: the dispositions (通话结果) that a caller may record, and where a call stands after one.

A call is over when the customer gave an answer, when the number is wrong, or when it reached nobody as often as the
plan allows. A time at which the customer asks to be called again is kept whatever the plan says of attempts. What
arrives late changes nothing but this: who answered after the call was given up was reached after all. Refuses to know
customers or databases; times come in as arguments.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

from engine.delivery.plan import CallRules

Disposition = Literal[
    "accepted",
    "interested",
    "refused",
    "call_back",
    "opt_out",
    "no_answer",
    "busy",
    "switched_off",
    "wrong_number",
]
DISPOSITIONS: tuple[Disposition, ...] = get_args(Disposition)
ANSWERS: tuple[Disposition, ...] = ("accepted", "interested", "refused", "opt_out")
"""The customer was reached and the call is over."""
MISSED: tuple[Disposition, ...] = ("no_answer", "busy", "switched_off")
"""Nobody was reached: it is tried again as often as the plan allows."""
NOT_REACHED = "not reached"
WRONG_NUMBER = "wrong number"

Outcome = Literal["", "delivered", "failed"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one attempt came to. `call_back_at` is when the customer asked to be called again."""

    disposition: Disposition
    at: datetime
    call_back_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a call stands. `missed` attempts reached nobody; `outcome` is empty while it is open, `reason` says why it
    is over; it may be made from `next_at` on."""

    next_at: datetime
    attempts: int = 0
    missed: int = 0
    last_at: datetime | None = None
    disposition: str = ""
    outcome: Outcome = ""
    reason: str = ""


def after(standing: Standing, result: Result, rules: CallRules, opens: Callable[[datetime], datetime]) -> Standing:
    """Where a call stands after one more attempt. `opens` gives the first moment of the wave's hours from a time on."""
    missed = standing.missed + (result.disposition in MISSED)
    counted = replace(standing, attempts=standing.attempts + 1, missed=missed)
    newest = standing.last_at is None or result.at >= standing.last_at
    if standing.outcome:
        if result.disposition in ANSWERS and standing.outcome == "failed":
            return _over(counted, result, "delivered", result.disposition)
        return counted
    if newest:
        counted = replace(counted, last_at=result.at, disposition=result.disposition)
    if result.disposition in ANSWERS:
        return _over(counted, result, "delivered", result.disposition)
    if result.disposition == "wrong_number":
        return _over(counted, result, "failed", WRONG_NUMBER)
    if result.disposition == "call_back":
        assert result.call_back_at is not None
        return replace(counted, next_at=opens(result.call_back_at)) if newest else counted
    if missed >= rules.attempts:
        return _over(counted, result, "failed", NOT_REACHED)
    return replace(counted, next_at=opens(result.at + rules.between.on_the_clock())) if newest else counted


def _over(standing: Standing, result: Result, outcome: Outcome, reason: str) -> Standing:
    return replace(standing, last_at=result.at, disposition=result.disposition, outcome=outcome, reason=reason)
