"""A chart of a dashboard as a picture, in the reader's language."""

from collections.abc import Mapping

from api.figures import called, figure
from api.formats import Formats
from api.vega.pictures import Bar, Bars, Columns, Picture, latest, longest
from engine.service.dashboards import ChartView
from engine.service.metrics import MetricView

IN_TIME = ("month", "day")


def picture(chart: ChartView, meanings: Mapping[str, MetricView], formats: Formats) -> Picture:
    """The chart's first metric by its dimension: columns where that is time, else bars. Rows without a value are not
    drawn."""
    answer = chart.answer
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


def left_out(chart: ChartView, formats: Formats) -> str:
    """What the chart does not show of its answer, or the answer of the facts; empty where nothing."""
    bars = [Bar("", row.cells[0].value, "") for row in chart.answer.rows if row.cells[0].value is not None]
    shown, more = latest(bars) if chart.by in IN_TIME else longest(bars)
    if more and chart.by in IN_TIME:
        return formats.words("%(count)s earlier ones are in the table.", count=formats.number(more))
    if more:
        return formats.words("And %(count)s more, which are in the table.", count=formats.number(more))
    if chart.answer.cut:
        return formats.words("Only the %(count)s largest.", count=formats.number(len(shown)))
    return ""
