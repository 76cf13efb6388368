"""A chart of a dashboard as a picture, in the reader's language."""

from collections.abc import Mapping

from api.figures import called, figure
from api.formats import Formats
from api.i18n import N_
from api.vega.pictures import (
    MOST_INTERVALS,
    Bar,
    Bars,
    Columns,
    Intervals,
    Picture,
    Place,
    heights,
    latest,
    longest,
    plain,
)
from engine.service.dashboards import ChartView
from engine.service.metrics import AnswerRow, Cell, MetricView

IN_TIME = ("month", "day")
ALL_TOGETHER = N_("95%% intervals; the dashed line is all together.")
NO_DIFFERENCE = N_("95%% intervals; the dashed line is no difference.")


def room(chart: ChartView, meanings: Mapping[str, MetricView], formats: Formats) -> tuple[int, int] | None:
    """About how high it is drawn, see `heights`; None where there is nothing to draw."""
    drawn = picture(chart, meanings, formats)
    return heights(drawn) if (drawn.places if isinstance(drawn, Intervals) else drawn.bars) else None


def picture(chart: ChartView, meanings: Mapping[str, MetricView], formats: Formats) -> Picture:
    """The chart's first metric by its dimension: columns where that is time, else bars; or dots with their intervals.
    Rows without a value, or without an interval, are not drawn."""
    answer = chart.answer
    if chart.marks == "intervals":
        return _intervals(chart, meanings[answer.metrics[0]], formats)
    names = [formats.label(meanings[name].label) for name in answer.metrics]
    bars = [
        Bar(
            label=called(formats, chart.by, row.keys[0], row.labels[0]),
            value=row.cells[0].value,
            text=figure(formats, row.cells[0].value, meanings[row.cells[0].metric].unit),
            low=row.cells[0].low,
            high=row.cells[0].high,
            told=tuple(
                (name, figure(formats, cell.value, meanings[cell.metric].unit))
                for name, cell in zip(names, row.cells, strict=True)
            ),
        )
        for row in answer.rows
        if row.cells[0].value is not None
    ]
    title = f"{names[0]} · {formats.label(chart.label)}"
    said = [left_out(chart, formats), formats.words("As of %(at)s.", at=formats.moment(answer.as_of))]
    note = " ".join(filter(None, said))
    if chart.by in IN_TIME:
        return Columns(title, note, latest(bars)[0])
    return Bars(title, note, longest(bars)[0])


def _intervals(chart: ChartView, metric: MetricView, formats: Formats) -> Intervals:
    """The highest first, months and days in their order. The line is where all together stand, or no difference."""
    is_share = metric.unit == "share"
    places = [_place(chart, row, row.cells[0], metric, formats) for row in _certain(chart)]
    if chart.by not in IN_TIME:
        places.sort(key=lambda one: (-one.value, one.label))
    of = sum(row.cells[0].denominator for row in _certain(chart))
    done = sum(row.cells[0].numerator or 0 for row in _certain(chart))
    line = ALL_TOGETHER if is_share else NO_DIFFERENCE
    said = [left_out(chart, formats), formats.words("As of %(at)s.", at=formats.moment(chart.answer.as_of))]
    return Intervals(
        title=f"{formats.label(metric.label)} · {formats.label(chart.label)}",
        note=" ".join(filter(None, [formats.words(line), *said])),
        places=tuple(places[:MOST_INTERVALS]),
        mean=float(done / of) if is_share and of else 0.0,
        axis="share" if is_share else "points" if metric.unit == "points" else "plain",
    )


def _certain(chart: ChartView) -> list[AnswerRow]:
    return [row for row in chart.answer.rows if row.cells[0].low is not None and row.cells[0].value is not None]


def _place(chart: ChartView, row: AnswerRow, cell: Cell, metric: MetricView, formats: Formats) -> Place:
    value, low, high = (float(one or 0) for one in (cell.value, cell.low, cell.high))
    told = figure(formats, value, metric.unit, between=(low, high))
    if metric.unit == "share":
        told = f"{told}  n {formats.number(int(cell.denominator))}"
    label = plain(called(formats, chart.by, row.keys[0], row.labels[0]))
    if metric.unit == "points":
        value, low, high = value * 100, low * 100, high * 100
    is_share = metric.unit == "share"
    is_open, is_loss = not is_share and low <= 0 <= high, not is_share and high < 0
    return Place(label, value, low, high, told, is_open, is_loss)


def left_out(chart: ChartView, formats: Formats) -> str:
    """What the chart does not show of its answer, or the answer of the facts; empty where nothing."""
    if chart.marks == "intervals":
        drawn = min(len(_certain(chart)), MOST_INTERVALS)
        if chart.answer.cut:
            return formats.words("Only the %(count)s with most behind them.", count=formats.number(drawn))
        more = len(chart.answer.rows) - drawn
        return formats.words("And %(count)s more, which are in the table.", count=formats.number(more)) if more else ""
    bars = [Bar("", row.cells[0].value, "") for row in chart.answer.rows if row.cells[0].value is not None]
    shown, more = latest(bars) if chart.by in IN_TIME else longest(bars)
    if more and chart.by in IN_TIME:
        return formats.words("%(count)s earlier ones are in the table.", count=formats.number(more))
    if more:
        return formats.words("And %(count)s more, which are in the table.", count=formats.number(more))
    if chart.answer.cut:
        return formats.words("Only the %(count)s largest.", count=formats.number(len(shown)))
    return ""
