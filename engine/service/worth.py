"""What an accepted offer is worth: its monthly fee, in money per month; an amount that is entered where it has none.

So the money of a report is the same whoever wrote the acceptance down. Refuses an amount beside a fee that says
something else: the offer's price is the offer's (docs/decisions/0049).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from sqlalchemy import Connection

from engine.errors import Problem
from engine.machine.case import Case
from engine.service import recommended_offers
from engine.service.app import Countersign
from engine.service.recommended_offers import OfferTold

LIMIT = 10**8


def of(fee: Decimal | None, entered: str) -> tuple[Decimal | None, list[Problem]]:
    """The value of an acceptance and what is wrong with the amount that was entered; None: neither is known."""
    words = entered.strip()
    if not words:
        return fee, []
    try:
        amount = Decimal(words)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount < LIMIT or amount != round(amount, 2):
        told = f"{words[:40]!r} is not an amount of money per month"
        return None, [Problem("E426", told, at="value", fields={"value": words[:40]})]
    if fee is not None and amount != fee:
        told = f"the offer costs {fee} per month; leave the amount out"
        return fee, [Problem("E425", told, at="value", fields={"fee": str(fee)})]
    return (amount if fee is None else fee), []


def offer_of(app: Countersign, case: Case, cell: str) -> str:
    """The code of the offer of a customer of this cell, else the one of the case; empty where there is none."""
    audience = app.definition(case.process).audience
    of_cells: Mapping[str, str] = audience.offers_in(case.form) if audience else {}
    shared = case.form.get("offer")
    return of_cells.get(cell, shared if isinstance(shared, str) else "")


def fees(app: Countersign, tx: Connection, case: Case, cells: Iterable[str], at: datetime) -> dict[str, Decimal | None]:
    """The monthly fee of the offer of each of these cells as it is at `at`; None where there is no offer, or no fee."""
    codes = {cell: offer_of(app, case, cell) for cell in set(cells)}
    told: Mapping[str, OfferTold] = recommended_offers.told(app, tx, codes.values(), at)
    return {cell: told[code].monthly_fee if code in told else None for cell, code in codes.items()}
