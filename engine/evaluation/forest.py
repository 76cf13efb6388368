"""Where intervals stand on one axis: positions in percent of its width, so that one drawing fits every screen.

Pages and the report of a file draw forest plots with it. Refuses to draw.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Literal

Side = Literal["gain", "loss", "open"]


@dataclass(frozen=True, slots=True)
class Mark:
    """An estimate between the ends of its interval, in percent of the axis; `side`: the interval lies above, below or
    across zero."""

    low: float
    at: float
    high: float
    side: Side


@dataclass(frozen=True, slots=True)
class Axis:
    """The marks in the order of their intervals, where zero is, and the ticks as (position, value)."""

    zero: float
    ticks: tuple[tuple[float, float], ...]
    marks: tuple[Mark, ...]


def axis(intervals: Sequence[tuple[float, float, float]]) -> Axis:
    """The axis of (low, estimate, high), at least one; it holds zero, has round ends and at most five ticks."""
    first, last, step = _round_ends(min(one[0] for one in intervals), max(one[2] for one in intervals))

    def place(value: float) -> float:
        return round((value - first) / (last - first) * 100, 3)

    ticks = tuple(
        (place(first + i * step), round(first + i * step, 10)) for i in range(round((last - first) / step) + 1)
    )
    marks = tuple(Mark(place(low), place(at), place(high), _side(low, high)) for low, at, high in intervals)
    return Axis(place(0.0), ticks, marks)


def _side(low: float, high: float) -> Side:
    return "gain" if low > 0 else "loss" if high < 0 else "open"


def _round_ends(low: float, high: float) -> tuple[float, float, float]:
    low, high = min(low, 0.0), max(high, 0.0)
    span = (high - low) or 1.0
    power = 10.0 ** floor(log10(span / 4))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= span / 4)
    first, last = floor(low / step), -floor(-high / step)
    return first * step, max(last, first + 1) * step, step
