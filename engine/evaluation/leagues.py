"""League tables (排行): rates with intervals, who is told apart from whom, and who has too few to be ranked.

Refuses to rank small numbers: below 30 tries or 5 successes a rate says more of chance than of whose it is. Refuses to
call the first the best where the intervals of others reach as high.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Literal, get_args

Kind = Literal["offices", "channels", "halls", "clerks", "agents"]
KINDS: tuple[Kind, ...] = get_args(Kind)
METRICS: dict[Kind, tuple[str, ...]] = {
    "offices": ("conversion", "response", "delivered", "opt_out"),
    "channels": ("conversion", "response", "delivered", "opt_out"),
    "halls": ("accepted", "confirmed", "answered"),
    "clerks": ("accepted", "confirmed", "answered"),
    "agents": ("accepted", "reached"),
}
"""What each kind can be ranked by; the first is meant where none is named."""
LEAST_TRIES = 30
LEAST_EVENTS = 5
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Tally:
    """`events` of `n` at whatever is ranked."""

    key: str
    n: int
    events: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """A place in the table. `rank_low` to `rank_high`: the places that it may as well have. `is_tied`: its interval
    overlaps that of the one above."""

    key: str
    n: int
    events: int
    rate: float
    low: float
    high: float
    rank: int
    rank_low: int
    rank_high: int
    is_tied: bool


@dataclass(frozen=True, slots=True)
class Table:
    """The ranked, the highest rate first, and those with too few."""

    ranked: tuple[Ranked, ...]
    too_few: tuple[Tally, ...]


def wilson(events: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The score interval of a rate: Wilson 1927, Journal of the American Statistical Association 22:209; without
    continuity correction, as `statsmodels.stats.proportion.proportion_confint(method="wilson")`. ValueError for nobody.
    """
    if n < 1 or not 0 <= events <= n:
        raise ValueError(f"{events} of {n} cannot be")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, share = events / n, z * z / n
    middle = (rate + share / 2) / (1 + share)
    reach = z * sqrt(rate * (1 - rate) / n + share / (4 * n)) / (1 + share)
    return (0.0 if events == 0 else middle - reach, 1.0 if events == n else middle + reach)


def is_too_few(one: Tally) -> bool:
    """Whether it is not ranked."""
    return one.n < LEAST_TRIES or one.events < LEAST_EVENTS


def league(tallies: Iterable[Tally]) -> Table:
    """The table. Places are told apart where the intervals do not overlap, which is stricter than a test of two at 5%;
    the places that each may have follow (Goldstein and Spiegelhalter 1996, Journal of the Royal Statistical Society A
    159:385, of what league tables can say). Of equal rates the larger n stands first, then the key."""
    every = sorted(tallies, key=lambda one: (-(one.events / one.n if one.n else 0.0), -one.n, one.key))
    shown = [(one, *wilson(one.events, one.n)) for one in every if not is_too_few(one)]
    lows, highs = sorted(low for _, low, _ in shown), sorted(high for _, _, high in shown)
    ranked = []
    for place, (one, low, high) in enumerate(shown):
        surely_above, surely_below = len(lows) - bisect_right(lows, high), bisect_left(highs, low)
        ranked.append(
            Ranked(
                key=one.key,
                n=one.n,
                events=one.events,
                rate=one.events / one.n,
                low=low,
                high=high,
                rank=place + 1,
                rank_low=surely_above + 1,
                rank_high=len(shown) - surely_below,
                is_tied=place > 0 and high >= shown[place - 1][1],
            )
        )
    return Table(tuple(ranked), tuple(one for one in every if is_too_few(one)))
