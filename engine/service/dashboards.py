"""Dashboards: four figures, charts and a table, all questions in the words of the catalogue of metrics.

A dashboard is one class here that names what it shows, and one line in `DASHBOARDS`; page, REST and CSV come from
that. Refuses to count anything itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from engine.delivery.channels import CHANNELS
from engine.errors import NotFound
from engine.service import metrics
from engine.service.app import Countersign
from engine.service.metrics import Answer, Cell, DimensionView, MetricView, Wanted
from engine.service.recording import By
from engine.values import Bilingual

MOST_CHOICES = 200
SHOWN = 50
CHOSEN_OF_CASES = ("office", "city", "definition", "category", "offer", "state")
"""Filters whose choices are those of the cases that the viewer may see; the others are channels."""
CHANNEL_CHOICES = tuple((name, Bilingual(zh=name, en=name)) for name in CHANNELS)


@dataclass(frozen=True, slots=True)
class Chart:
    """The first metric as bars by a dimension, the others in the table behind it. `largest`: so many bars at most, the
    longest; 0: all of them in the order of their keys, as months are."""

    by: str
    metrics: tuple[str, ...]
    largest: int = 0


class Dashboard:
    """What a dashboard shows; every kind says it by these names."""

    key: ClassVar[str]
    label: ClassVar[Bilingual]
    says: ClassVar[Bilingual]
    filters: ClassVar[tuple[str, ...]]
    figures: ClassVar[tuple[str, ...]]
    charts: ClassVar[tuple[Chart, ...]]
    rows_by: ClassVar[tuple[str, ...]] = ("case", "office")
    columns: ClassVar[tuple[str, ...]]


class Sends(Dashboard):
    """群发情况汇总: what was sent, what arrived, what it cost, and by which cases."""

    key = "sends"
    label = Bilingual(zh="群发情况汇总", en="Mass sends")
    says = Bilingual(
        zh="您可见的营销案所发的消息：计划、发出、送达、失败与成本。",
        en="Messages of the cases that you may see: planned, sent, arrived, failed, and what they cost.",
    )
    filters = ("office", "definition", "channel")
    figures = ("sent", "delivery_rate", "customers", "delivery_cost")
    charts = (
        Chart("month", ("sent", "delivered", "failed", "suppressed")),
        Chart("channel", ("sent", "delivery_rate", "failed", "delivery_cost")),
        Chart("office", ("sent", "delivery_rate", "failed", "delivery_cost"), largest=15),
    )
    columns = ("sent", "delivery_rate", "failed", "suppressed", "delivery_cost")


DASHBOARDS: tuple[type[Dashboard], ...] = (Sends,)


@dataclass(frozen=True, slots=True)
class FilterView:
    """A filter with what may be chosen, as (value, label), and what is chosen; empty for all."""

    name: str
    label: Bilingual
    chosen: str
    choices: tuple[tuple[str, Bilingual], ...]


@dataclass(frozen=True, slots=True)
class ChartView:
    """A chart with its answer."""

    by: str
    label: Bilingual
    answer: Answer


@dataclass(frozen=True, slots=True)
class DashboardView:
    """A dashboard as it is shown. `metrics` and `dimensions` are all that it names, each once, with what they mean."""

    key: str
    label: Bilingual
    says: Bilingual
    filters: tuple[FilterView, ...]
    since: str
    until: str
    figures: tuple[Cell, ...]
    charts: tuple[ChartView, ...]
    rows_by: tuple[str, ...]
    table: Answer
    metrics: tuple[MetricView, ...]
    dimensions: tuple[DimensionView, ...]
    as_of: datetime | None


def show(app: Countersign, by: By, key: str, chosen: Mapping[str, str]) -> DashboardView:
    """The dashboard called `key` with these filters: its own by name, `since` and `until`; others mean nothing.
    NotFound where there is none; InvalidForm for a day that is none."""
    kind = find(key)
    where = {name: (chosen[name],) for name in kind.filters if chosen.get(name)}
    since, until = chosen.get("since", "").strip(), chosen.get("until", "").strip()

    def wanted(names: tuple[str, ...], dimensions: tuple[str, ...] = (), largest: int = 0) -> Wanted:
        return Wanted(names, dimensions, where, since, until, largest)

    questions = [wanted(kind.figures), *(wanted(one.metrics, (one.by,), one.largest) for one in kind.charts)]
    questions.append(wanted(kind.columns, kind.rows_by, SHOWN))
    choices = [Wanted(("cases",), (name,)) for name in kind.filters if name in CHOSEN_OF_CASES]
    answers = metrics.ask_all(app, by, [*questions, *choices])
    (figures, *charts, table), listed = answers[: len(questions)], answers[len(questions) :]
    view, told = metrics.catalogue(by.viewer), {}
    for answer in listed:
        told[answer.by[0]] = tuple((row.keys[0], row.labels[0]) for row in answer.rows[:MOST_CHOICES] if row.keys[0])
    labels = {one.name: one.label for one in view.dimensions}
    drawn = {one.by for one in kind.charts}
    named = {*kind.figures, *kind.columns, *(name for one in kind.charts for name in one.metrics)}
    return DashboardView(
        key=key,
        label=kind.label,
        says=kind.says,
        filters=tuple(
            _filter(name, labels[name], chosen.get(name, ""), told.get(name, CHANNEL_CHOICES)) for name in kind.filters
        ),
        since=since,
        until=until,
        figures=figures.rows[0].cells,
        charts=tuple(
            ChartView(one.by, labels[one.by], answer) for one, answer in zip(kind.charts, charts, strict=True)
        ),
        rows_by=kind.rows_by,
        table=table,
        metrics=tuple(one for one in view.metrics if one.name in named),
        dimensions=tuple(one for one in view.dimensions if one.name in {*kind.filters, *kind.rows_by, *drawn}),
        as_of=figures.as_of,
    )


def _filter(name: str, label: Bilingual, chosen: str, choices: tuple[tuple[str, Bilingual], ...]) -> FilterView:
    """What was chosen stands among the choices, though no case has it: else the form would say "all"."""
    if chosen and chosen not in dict(choices):
        choices = (*choices, (chosen, Bilingual(zh=chosen, en=chosen)))
    return FilterView(name, label, chosen, choices)


def find(key: str) -> type[Dashboard]:
    """The dashboard of that name; NotFound where there is none."""
    kind = next((one for one in DASHBOARDS if one.key == key), None)
    if kind is None:
        raise NotFound()
    return kind
