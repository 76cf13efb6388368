"""What a rehearsal (预演) found: counts and sums in whole fen, so that they add up exactly; shares come at the end.

Refuses to import more than msgspec, because the child process does not wait for what it does not need.
"""

from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

BANDS = (500, 1000, 2000, 5000, 10000)
"""Where bands of a change of bill end, in fen, the same for every rehearsal so that two can be laid side by side."""
LAST_BAND = len(BANDS) + 1


class Side(Struct, frozen=True):
    """Customers whose bill falls, or rises: how many, what they pay now and by how much that changes, per month.
    `p5`, `p50`, `p95`: the smallest change that at least that share of them do not exceed."""

    customers: int = 0
    now: int = 0
    change: int = 0
    p5: int = 0
    p50: int = 0
    p95: int = 0


class Group(Struct, frozen=True):
    """One segment, or all (`cell` empty). `customers` are in the target; of `known` at least one month of usage is
    there, of `partial` not every month; the others are unknown and in no other figure."""

    cell: str
    customers: int
    known: int
    partial: int
    winners: Side
    losers: Side
    unchanged: int
    now: int
    change: int
    p5: int = 0
    p50: int = 0
    p95: int = 0
    bands: dict[int, int] = {}

    @property
    def unknown(self) -> int:
        """Those of whom nothing is known."""
        return self.customers - self.known


class MonthSum(Struct, frozen=True):
    """One month of usage: whom something is known of, what they paid, and by how much it would have been other; the
    same of those who gain over all months."""

    month: str
    customers: int
    now: int
    change: int
    winners: int
    winners_now: int
    winners_change: int


class Rehearsed(Struct, frozen=True):
    """All that a rehearsal found."""

    all: Group
    cells: tuple[Group, ...]
    months: tuple[MonthSum, ...]
    engine: str
    cpu_seconds: float
    peak_rss_kb: int


def band_of(change: int) -> int:
    """The band of a change in fen: 0 unchanged, ±1 below 5 yuan, … ±6 from 100 yuan on."""
    size = abs(change)
    band = sum(size >= end for end in BANDS) + 1 if size else 0
    return band if change >= 0 else -band


def band_sql(column: str) -> str:
    """The same as SQL."""
    ends = " ".join(f"WHEN abs({column}) < {end} THEN {n}" for n, end in enumerate(BANDS, 1))
    return f"CAST(sign({column}) * CASE WHEN {column} = 0 THEN 0 {ends} ELSE {LAST_BAND} END AS INTEGER)"


def yuan(fen: int) -> Decimal:
    """An amount of fen in yuan."""
    return Decimal(fen) / 100


def mean(total: int, count: int) -> Decimal | None:
    """The mean in yuan, to the fen; None of nobody."""
    if not count:
        return None
    return (Decimal(total) / count / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)


def share_of_losers(winners: int, losers: int) -> Decimal | None:
    """If everybody who gains switches: the share of those who lose that would have to switch as well, so that revenue
    stays as it is. With the changes W < 0 and L > 0 of both sides it is the p of W + p L = 0, so p = -W / L. None
    where even all of them are not enough."""
    if losers <= 0 or -winners > losers:
        return None
    return Decimal(-winners) / Decimal(losers)


def break_even_take_up(fixed_cost: Decimal, change: int, months: int) -> Decimal | None:
    """The share of the customers who must switch until the fixed cost is earned back over the months of the contract.

    Contribution analysis: takers x contribution of each = fixed cost (Horngren, Cost Accounting, "cost-volume-profit
    analysis": Q = FC / CM per unit). Usage is taken to stay as it was, so its cost does too, and the whole change of
    the bill is contribution: p N (change / N) T = F, p = F / (change T). `change` is the sum over all customers of a
    month, in fen. None where bills fall in sum or even everybody is not enough.
    """
    earned = yuan(change) * months
    if earned <= 0 or fixed_cost > earned:
        return None
    return fixed_cost / earned


def further_customers(now: int, change: int, margin: Decimal) -> Decimal | None:
    """How many new customers for each who switches make up for lower bills, by the break-even sales change of a price
    change: -dP / (CM + dP) (Nagle and Müller, The Strategy and Tactics of Pricing, "Financial analysis").

    dP is the mean change of the bill, CM the contribution of a customer now: their bill times `margin`, the share of
    a yuan that is left after the cost of serving. None where bills do not fall, or nothing is left of them.
    """
    if change >= 0:
        return None
    left = yuan(now) * margin + yuan(change)
    return -yuan(change) / left if left > 0 else None
