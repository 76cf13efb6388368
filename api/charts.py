"""Charts as numbers for the templates: positions in percent of the width, so that one drawing fits every screen.

The templates draw them as inline SVG with presentation attributes, beside a table of the same values. Refuses
scripts and inline styles, which the content security policy forbids.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.evaluation.forest import axis
from engine.service.leagues import LeagueRow, LeagueView
from engine.service.metrics import Answer, AnswerRow
from engine.service.process_views import StepFigures
from engine.service.rehearsal_views import BandView, GroupView
from engine.service.stage_views import FunnelRow, UpliftRow, WaterfallRow, WaveView

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


def funnel(rows: Sequence[FunnelRow]) -> tuple[tuple[FunnelRow, Bar], ...]:
    """Each row of the funnel with a bar over the widest."""
    widest = max((row.count for row in rows), default=0) or 1
    return tuple((row, Bar(0.0, _percent(row.count, widest), "target")) for row in rows)


def changes(group: GroupView) -> tuple[tuple[BandView, Bar], ...]:
    """The bands of a change of bill, each with a bar over the fullest; lower bills look like what is kept."""
    fullest = max((band.customers for band in group.bands), default=0) or 1
    drawn = []
    for band in group.bands:
        width = max(_percent(band.customers, fullest), LEAST_VISIBLE if band.customers else 0.0)
        sign = 0 if band.above == band.below else (1 if band.above is not None and band.above >= 0 else -1)
        drawn.append((band, Bar(0.0, width, {-1: "delivered", 0: "base", 1: "removed"}[sign])))
    return tuple(drawn)


def process(rows: Sequence[StepFigures]) -> tuple[tuple[StepFigures, Bar, Bar], ...]:
    """The steps that were decided, each with a bar of the time half of them took within, and one for nine in ten."""
    decided = [(row, row.took) for row in rows if row.took is not None]
    longest = max((took.most for _, took in decided), default=0) or 1
    return tuple(
        (
            row,
            Bar(0.0, max(_percent(took.half, longest), LEAST_VISIBLE), "sent"),
            Bar(0.0, max(_percent(took.most, longest), LEAST_VISIBLE), "waiting"),
        )
        for row, took in decided
    )


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its interval on the axis of its panel."""

    row: UpliftRow
    low: float
    at: float
    high: float
    kind: str  # gain, loss or open: whether the interval lies above, below or across zero


@dataclass(frozen=True, slots=True)
class Panel:
    """The forest plot of one metric: arms below each other on one axis. `is_rate`: lifts are percentage points."""

    metric: str
    is_rate: bool
    zero: float
    ticks: tuple[tuple[float, float], ...]  # (position, value)
    intervals: tuple[Interval, ...]


def forest(rows: Sequence[UpliftRow]) -> tuple[Panel, ...]:
    """One panel per metric, in the order they come; rates are told from means by their method."""
    panels = []
    for metric in dict.fromkeys(row.metric for row in rows):
        mine = [row for row in rows if row.metric == metric]
        is_rate = all(row.method not in ("welch", "bootstrap") for row in mine)
        scale = 100.0 if is_rate else 1.0
        drawn = axis([(row.low * scale, row.lift * scale, row.high * scale) for row in mine])
        intervals = tuple(
            Interval(row, mark.low, mark.at, mark.high, mark.side) for row, mark in zip(mine, drawn.marks, strict=True)
        )
        panels.append(Panel(metric, is_rate, drawn.zero, drawn.ticks, intervals))
    return tuple(panels)


@dataclass(frozen=True, slots=True)
class Place:
    """A place of a league table on the common axis, in percent of the width; `kind` is open where it is tied."""

    row: LeagueRow
    low: float
    at: float
    high: float
    kind: str


@dataclass(frozen=True, slots=True)
class Standings:
    """A league table below one axis from zero. `mean` is where the rate of all together stands; `ticks` are
    (position, percent)."""

    places: tuple[Place, ...]
    mean: float
    ticks: tuple[tuple[float, float], ...]


def standings(league: LeagueView, most: int = 30) -> Standings | None:
    """The first places as dots with their intervals; None without any."""
    rows = league.rows[:most]
    if not rows:
        return None
    mean = league.events / league.n * 100
    drawn = axis([(mean, mean, mean), *((row.low * 100, row.rate * 100, row.high * 100) for row in rows)])
    return Standings(
        places=tuple(
            Place(row, mark.low, mark.at, mark.high, "open" if row.is_tied else "gain")
            for row, mark in zip(rows, drawn.marks[1:], strict=True)
        ),
        mean=drawn.marks[0].at,
        ticks=drawn.ticks,
    )


@dataclass(frozen=True, slots=True)
class Estimate:
    """A row of an answer on the common axis, in percent of the width; `kind`: above, below or across zero."""

    row: AnswerRow
    low: float
    at: float
    high: float
    kind: str


@dataclass(frozen=True, slots=True)
class Estimates:
    """The rows below one axis; `mean` is where zero stands, `ticks` are (position, percent)."""

    places: tuple[Estimate, ...]
    mean: float
    ticks: tuple[tuple[float, float], ...]


def estimates(answer: Answer) -> Estimates | None:
    """The first metric of every row that has an interval, the highest first unless the rows are months or days."""
    found = [
        (row, cell.low * 100, cell.value * 100, cell.high * 100)
        for row in answer.rows
        for cell in row.cells[:1]
        if cell.low is not None and cell.value is not None and cell.high is not None
    ]
    if not found:
        return None
    if answer.by[0] not in ("month", "day"):
        found.sort(key=lambda one: (-one[2], one[0].keys))
    drawn = axis([one[1:] for one in found])
    return Estimates(
        places=tuple(
            Estimate(row, mark.low, mark.at, mark.high, mark.side)
            for (row, *_), mark in zip(found, drawn.marks, strict=True)
        ),
        mean=drawn.zero,
        ticks=drawn.ticks,
    )


def _percent(part: int, whole: int) -> float:
    return round(part / whole * 100, 3)
