"""How well a case has to do to pay for itself: the take-up that earns its cost back, and the price it could bear.

`take_up` = cost / (customers x value of a conversion): conversions per customer more than without the case. `price` =
(incremental revenue - fixed costs) / messages: what a message may cost before the case loses money; below 0 it loses
whatever a message costs. Refuses a figure without a basis: it is None, and `missing` says what it wants for.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from engine.evaluation.money import Money

Missing = Literal["revenue", "control", "conversions", "messages"]
PRICE = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class BreakEven:
    """`value_each` is the revenue of target customers per conversion; `price_low` and `price_high` come from the
    interval of the lift."""

    value_each: Decimal | None = None
    take_up: float | None = None
    price: Decimal | None = None
    price_low: Decimal | None = None
    price_high: Decimal | None = None
    missing: tuple[Missing, ...] = ()


def break_even(money: Money, *, n: int, conversions: int, messages: int, fixed: Decimal) -> BreakEven:
    """Of the `money` of `n` target customers with so many conversions, who got so many messages; `fixed` is the part
    of its cost that does not depend on them."""
    missing: list[Missing] = []
    if money.revenue is None:
        missing.append("revenue")
    elif money.incremental is None:
        missing.append("control")
    if not conversions:
        missing.append("conversions")
    if not messages:
        missing.append("messages")
    each = money.revenue / conversions if money.revenue and conversions else None
    return BreakEven(
        value_each=None if each is None else each.quantize(Decimal("0.01"), ROUND_HALF_EVEN),
        take_up=None if each is None or not n else float(money.cost / (n * each)),
        price=_price(money.incremental, fixed, messages),
        price_low=_price(_brought(money.profit_low, money.cost), fixed, messages),
        price_high=_price(_brought(money.profit_high, money.cost), fixed, messages),
        missing=tuple(missing),
    )


def _brought(profit: Decimal | None, cost: Decimal) -> Decimal | None:
    return None if profit is None else profit + cost


def _price(incremental: Decimal | None, fixed: Decimal, messages: int) -> Decimal | None:
    if incremental is None or not messages:
        return None
    return ((incremental - fixed) / messages).quantize(PRICE, ROUND_HALF_EVEN)
