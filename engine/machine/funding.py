"""What a case holds of the budget of its office (预算): reserved while it is decided on, committed once approved.

Follows from the case alone, so that its history gives the same. Refuses to know what is left: that came with the
submission, and the ledger refuses what goes beyond it.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import Struct

from engine.machine.case import Case
from engine.machine.process import Process
from engine.machine.states import SENDING, held_state
from engine.machine.wider import approved_form, is_widening

FIELD = "budget"
"""The field of a proposal that says what a case may spend."""
AFTER_APPROVAL = ("ready", *SENDING, "evaluating")
NOTHING = Decimal()


class Held(Struct, frozen=True):
    """What a case is to hold of an account: `reserved`, or `granted`, of which what was spent is a part; both
    while more is asked for than was granted."""

    account: str = ""
    reserved: Decimal = NOTHING
    granted: Decimal = NOTHING

    def sides(self, spent: Decimal) -> tuple[Decimal, Decimal]:
        """What is to be reserved and committed where so much was spent already: that comes out of what was granted, or
        of what is reserved again where approval re-opened."""
        reserved = self.reserved if self.granted else max(self.reserved - spent, NOTHING)
        return reserved, max(self.granted - spent, NOTHING)


def held(process: Process, case: Case) -> Held:
    """What a case holds: nothing before it is submitted, nothing more once it has ended."""
    if case.fund is None:
        return Held()
    state, amount = held_state(case), amount_of(case)
    if process.is_end(state):
        return Held(case.fund.account)
    if is_widening(case):
        granted = amount_in(approved_form(case))
        return Held(case.fund.account, reserved=max(amount - granted, NOTHING), granted=granted)
    if state in process.effective or state in AFTER_APPROVAL:
        return Held(case.fund.account, granted=amount)
    return Held(case.fund.account, reserved=amount)


def amount_of(case: Case) -> Decimal:
    """What the proposal asks for; nothing where it is empty."""
    return amount_in(case.form)


def amount_in(form: Mapping[str, Any]) -> Decimal:
    """The same, of a form."""
    try:
        return Decimal(str(form.get(FIELD) or 0))
    except InvalidOperation:
        return NOTHING
