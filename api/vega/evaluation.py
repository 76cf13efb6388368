"""What an evaluation of a case shows as pictures, in the reader's language: the lifts of each metric with their
intervals, and the funnel.

Rates and means never share an axis. Refuses to leave all customers together out, however many cells there are.
"""

from collections.abc import Sequence

from api.charts import Panel, panels
from api.formats import Formats
from api.i18n import N_
from api.vega.drawn import Drawn
from api.vega.pictures import MOST_BARS, MOST_INTERVALS, Axis, Bar, Bars, Intervals, Place, plain
from api.verdicts import metric_of
from api.words import ARMS
from engine.service.stage_views import TOTAL, EvaluationView, FunnelRow, UpliftRow

FUNNEL, LIFT = "funnel", "lift-"  # keys of the pictures; that of a lift goes on with its metric
# what each step of the funnel is of; what is not here was imported, and is of those whose outcome is known
BEFORE = {
    "excluded": "selected",
    "target": "selected",
    "control": "selected",
    "capped": "target",
    "sent": "target",
    "delivered": "sent",
    "responded": "sent",
    "converted": "sent",
    "retained": "converted",
}
ASIDE = ("excluded", "control", "capped")
MARKS = N_(
    "%(share)s%% intervals; the dashed line is no difference. A triangle lies surely below it, a ring cannot be told "
    "from it."
)


def drawings(one: EvaluationView, formats: Formats, number: str = "") -> tuple[Drawn, ...]:
    """The pictures in the order of the page; `number` of the case goes into the titles of files."""
    lifts = [_lifts(panel, one, formats, number) for panel in panels(one.uplift)]
    return (*lifts, *([_funnel(one, formats, number)] if one.funnel else []))


def caption_of(panel: Panel, formats: Formats) -> str:
    """What the lifts of a metric are called."""
    metric = metric_of(panel.metric, formats).lower()
    if panel.is_rate:
        return formats.words("Uplift of %(metric)s in percentage points", metric=metric)
    return formats.words("Uplift of %(metric)s per customer", metric=metric)


def confidence_of(one: EvaluationView) -> str:
    """How sure the intervals are, in percent."""
    return f"{one.confidence * 100:g}"


def _lifts(panel: Panel, one: EvaluationView, formats: Formats, number: str) -> Drawn:
    first = sorted(panel.rows, key=lambda row: row.arm != TOTAL)
    caption = caption_of(panel, formats)
    said = formats.words(MARKS, share=confidence_of(one))
    if more := len(first[MOST_INTERVALS:]):
        said += " " + formats.words("And %(count)s more, which are in the table.", count=formats.number(more))
    places = tuple(_place(row, panel, formats) for row in first[:MOST_INTERVALS])
    axis: Axis = "points" if panel.is_rate else "plain"
    picture = Intervals(_title(number, caption), f"{_moment(one, formats)} · {said}", places, 0.0, axis)
    return Drawn(f"{LIFT}{panel.metric}", caption, said, picture)


def _place(row: UpliftRow, panel: Panel, formats: Formats) -> Place:
    times = 100 if panel.is_rate else 1
    return Place(
        label=plain(formats.words(ARMS[row.arm]) if row.arm in ARMS else row.arm),
        value=row.lift * times,
        low=row.low * times,
        high=row.high * times,
        text=f"{formats.lift(row.lift, panel.is_rate)}  n {formats.number(row.n)}",
        is_open=row.low <= 0 <= row.high,
        is_loss=row.high < 0,
    )


def _funnel(one: EvaluationView, formats: Formats, number: str) -> Drawn:
    caption = formats.words("Funnel")
    bars = tuple(
        Bar(
            label=plain(metric_of(row.name, formats)),
            value=row.count or 0,
            text=formats.words("not measured") if row.count is None else formats.number(row.count),
            note=basis(row, one.funnel, formats),
            is_aside=row.name in ASIDE,
        )
        for row in one.funnel[:MOST_BARS]
    )
    said = formats.words("Every bar is a number of customers; pale ones went no further.")
    if more := len(one.funnel[MOST_BARS:]):
        said += " " + formats.words("And %(count)s more, which are in the table.", count=formats.number(more))
    return Drawn(FUNNEL, caption, said, Bars(_title(number, caption), f"{_moment(one, formats)} · {said}", bars))


def basis(row: FunnelRow, rows: Sequence[FunnelRow], formats: Formats) -> str:
    """Which share of whom a step of the funnel is; empty where it was not measured."""
    if row.count is None:
        return ""
    share, of = formats.share(row.count, row.of), formats.number(row.of)
    if row.name == "selected":
        return formats.words("%(share)s of %(count)s, all customers", share=share, count=of)
    before = next((each for each in rows if each.name == BEFORE.get(row.name) and each.count == row.of), None)
    if before is None:
        return formats.words("%(share)s of %(count)s whose outcome is known", share=share, count=of)
    name = metric_of(before.name, formats).lower()
    return formats.words("%(share)s of %(count)s: %(what)s", share=share, count=of, what=name)


def _title(number: str, caption: str) -> str:
    return " · ".join(filter(None, (number, caption)))


def _moment(one: EvaluationView, formats: Formats) -> str:
    return formats.words(
        "After %(label)s · as of %(at)s", label=formats.period(one.label), at=formats.moment(one.as_of)
    )
