"""What a call comes to: the dispositions (通话结果) that a caller may record, and where a call stands after one.

A call is over when the customer gave an answer, when the number is wrong, or when it reached nobody as often as the
plan allows. A time at which the customer asks to be called again is kept whatever the plan says of attempts. What
arrives late changes nothing but this: who answered after the call was given up was reached after all. Refuses to know
customers or databases; times come in as arguments.
"""

from collections.abc import Callable
from dataclasses import dataclass
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
    kind = result.disposition
    missed = standing.missed + (kind in MISSED)
    was_over, is_newest = standing.outcome, standing.last_at is None or result.at >= standing.last_at
    next_at, last_at, disposition = standing.next_at, standing.last_at, standing.disposition
    outcome, reason = was_over, standing.reason
    if kind in ANSWERS and was_over != "delivered":
        outcome, reason = "delivered", kind
    elif not was_over and kind == "wrong_number":
        outcome, reason = "failed", WRONG_NUMBER
    elif not was_over and kind != "call_back" and missed >= rules.attempts:
        outcome, reason = "failed", NOT_REACHED
    elif not was_over and is_newest:
        back = result.call_back_at if kind == "call_back" else result.at + rules.between.on_the_clock()
        assert back is not None
        next_at = opens(back)
    if outcome != was_over or (is_newest and not was_over):
        last_at, disposition = result.at, kind
    return Standing(next_at, standing.attempts + 1, missed, last_at, disposition, outcome, reason)
