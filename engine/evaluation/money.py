"""What the case cost and brought in. Exact decimals; the lift is the one figure that arrives as a float.

Profit is what the case made *more* than no case would have, minus its cost. Refuses to call plain revenue a profit:
without a control group nobody knows what would have been bought anyway.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Money:
    """The money of one group. `incremental`, `profit`, `roi` are None without a control group, `roi` also where the
    case cost nothing; `break_even` is the lift in value per customer at which the cost is earned back."""

    cost: Decimal
    revenue: Decimal | None
    incremental: Decimal | None
    profit: Decimal | None
    roi: float | None
    break_even: Decimal | None
    profit_low: Decimal | None = None
    profit_high: Decimal | None = None


def cost_of(contacts: Mapping[str, int], cost_per_contact: Mapping[str, Decimal]) -> Decimal:
    """What the contacts cost: count per channel times the channel's price; an unpriced channel costs nothing."""
    return sum(
        (Decimal(count) * cost_per_contact.get(channel, Decimal()) for channel, count in contacts.items()), Decimal()
    ).quantize(CENT)


def money(
    *,
    n: int,
    cost: Decimal,
    revenue: Decimal | None,
    lift_per_customer: float | None,
    interval: tuple[float, float] | None = None,
) -> Money:
    """The money of `n` customers whose value per customer rose by `lift_per_customer` (None: not known)."""
    incremental = _times(n, lift_per_customer)
    profit = None if incremental is None else incremental - cost
    low, high = (None, None) if interval is None else (_times(n, interval[0]), _times(n, interval[1]))
    return Money(
        cost=cost,
        revenue=revenue,
        incremental=incremental,
        profit=profit,
        roi=None if profit is None or not cost else float(profit / cost),
        break_even=(cost / n).quantize(Decimal("0.000001"), ROUND_HALF_EVEN) if n else None,
        profit_low=None if low is None else low - cost,
        profit_high=None if high is None else high - cost,
    )


def _times(n: int, per_customer: float | None) -> Decimal | None:
    return None if per_customer is None else (n * Decimal(repr(float(per_customer)))).quantize(CENT, ROUND_HALF_EVEN)
