"""Bars within rows of text as numbers for the templates: positions in percent of the width, so that one drawing fits
every screen. Charts that stand by themselves are drawn in `api.vega`.

The templates draw them as inline SVG with presentation attributes, beside a table of the same values. Refuses
scripts and inline styles, which the content security policy forbids.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.service.rehearsal_views import BandView, GroupView
from engine.service.stage_views import UpliftRow, WaterfallRow, WaveView

LEAST_VISIBLE = 0.6  # percent of the width; a removed handful must still be seen


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from `start` over `width`, both in percent; `kind` is its CSS class."""

    start: float
    width: float
    kind: str


@dataclass(frozen=True, slots=True)
class WaterfallBar:
    """One row of the waterfall with its bar; `shown` is what the row says: removed as a negative, else what is left."""

    row: WaterfallRow
    bar: Bar
    shown: int


def waterfall(rows: Sequence[WaterfallRow]) -> tuple[WaterfallBar, ...]:
    """What each rule removed stands where it was cut off, so that the bars step down from the base to the target."""
    base = max((row.out for row in rows), default=0) or 1  # what the source found, not all customers there are
    bars = []
    for row in rows:
        if row.name in ("base", "target"):
            bars.append(WaterfallBar(row, Bar(0.0, _percent(row.out, base), row.name), row.out))
        else:
            width = max(_percent(row.removed, base), LEAST_VISIBLE if row.removed else 0.0)
            start = min(_percent(row.out, base), 100 - width)
            kind = "control" if row.name in ("control", "holdout") else "removed"
            bars.append(WaterfallBar(row, Bar(round(start, 3), width, kind), -row.removed))
    return tuple(bars)


def moved(order: Sequence[str], name: str, by: int) -> tuple[str, ...]:
    """The order with `name` one place earlier (-1) or later (1); empty where it has no such place."""
    if name not in order:
        return ()
    place = order.index(name)
    if not 0 <= place + by < len(order):
        return ()
    changed = list(order)
    changed[place], changed[place + by] = changed[place + by], changed[place]
    return tuple(changed)


def buckets(wave: WaveView) -> tuple[Bar, ...]:
    """The stacked bar of a wave: its buckets in the order of the sum line."""
    bars = []
    start = 0.0
    for kind in ("delivered", "sent", "failed", "unknown", "suppressed", "cancelled", "waiting"):
        width = _percent(getattr(wave, kind), wave.audience or 1)
        if width:
            bars.append(Bar(round(start, 3), width, kind))
        start += width
    return tuple(bars)


def changes(group: GroupView) -> tuple[tuple[BandView, Bar], ...]:
    """The bands of a change of bill, each with a bar over the fullest; lower bills look like what is kept."""
    fullest = max((band.customers for band in group.bands), default=0) or 1
    drawn = []
    for band in group.bands:
        width = max(_percent(band.customers, fullest), LEAST_VISIBLE if band.customers else 0.0)
        sign = 0 if band.above == band.below else (1 if band.above is not None and band.above >= 0 else -1)
        drawn.append((band, Bar(0.0, width, {-1: "delivered", 0: "base", 1: "removed"}[sign])))
    return tuple(drawn)


@dataclass(frozen=True, slots=True)
class Panel:
    """The lifts of one metric. `is_rate`: they are differences of shares, told in percentage points."""

    metric: str
    is_rate: bool
    rows: tuple[UpliftRow, ...]


def panels(rows: Sequence[UpliftRow]) -> tuple[Panel, ...]:
    """One panel per metric, in the order they come; rates are told from means by their method."""
    found = []
    for metric in dict.fromkeys(row.metric for row in rows):
        mine = tuple(row for row in rows if row.metric == metric)
        found.append(Panel(metric, all(row.method not in ("welch", "bootstrap") for row in mine), mine))
    return tuple(found)


def _percent(part: int, whole: int) -> float:
    return round(part / whole * 100, 3)
