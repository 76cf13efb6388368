"""Dashboards: four figures, charts and a table, all questions in the words of the catalogue of metrics.

A dashboard is one class here that names what it shows, and one line in `DASHBOARDS`; page, REST, files and saved views
come from that. Refuses to count anything itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from engine.delivery.channels import CHANNELS
from engine.errors import NotFound
from engine.service import metrics
from engine.service.app import Countersign
from engine.service.metric_codes import CODES
from engine.service.metrics import Answer, Cell, DimensionView, MetricView, Wanted
from engine.service.recording import By
from engine.values import Bilingual

MOST_CHOICES = 200
SHOWN = 50
CHOSEN_OF_CASES = ("office", "city", "definition", "category", "offer", "state", "asked")
"""Filters whose choices are those of the cases that the viewer may see."""
CHOICES = {
    "channel": tuple((name, Bilingual(zh=name, en=name)) for name in CHANNELS),
    "aim": tuple(CODES["aim"].items()),
}
"""Those of the others."""


@dataclass(frozen=True, slots=True)
class Chart:
    """The first metric as bars by a dimension, the others in the table behind it. `largest`: so many bars at most, the
    longest; 0: all of them in the order of their keys, as months are."""

    by: str
    metrics: tuple[str, ...]
    largest: int = 0

    @property
    def key(self) -> str:
        """What it is called in addresses, within its dashboard."""
        return f"{self.by}-{self.metrics[0]}"


class Dashboard:
    """What a dashboard shows; every kind says it by these names. `of_cases`: days and months are those on which cases
    were begun, and its metrics may be over several tables of facts, the first of each list over cases. `tab` is the
    part of a case that its rows lead to."""

    key: ClassVar[str]
    label: ClassVar[Bilingual]
    says: ClassVar[Bilingual]
    filters: ClassVar[tuple[str, ...]]
    figures: ClassVar[tuple[str, ...]]
    charts: ClassVar[tuple[Chart, ...]]
    rows_by: ClassVar[tuple[str, ...]] = ("case", "office")
    columns: ClassVar[tuple[str, ...]]
    of_cases: ClassVar[bool] = False
    tab: ClassVar[str] = "delivery"

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Its filters as they stand in an address."""
        return (*cls.filters, "since", "until")


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


class Cases(Dashboard):
    """营销案情况汇总: how many cases stand where, what waits too long, what was asked for and what came of it."""

    key = "cases"
    label = Bilingual(zh="营销案情况汇总", en="Summary of cases")
    says = Bilingual(
        zh="您可见的营销案：各状态、各机构、报批与报备的数量，是否超期，申报的预算与客户，触达与结果。日期为建案日期。",
        en=(
            "The cases that you may see: how many by state, office, approval or filing; which are overdue; budget and"
            " customers asked for, customers contacted and results. Days are those on which cases were begun."
        ),
    )
    filters = ("office", "definition", "category", "state", "asked")
    figures = ("cases", "in_time_cases", "asked_budget", "planned_reach")
    charts = (
        Chart("state", ("all_cases", "overdue_cases", "asked_budget", "planned_reach")),
        Chart("month", ("cases", "approved_cases", "lead_days", "asked_budget")),
        Chart("office", ("cases", "overdue_cases", "approved_cases", "lead_days", "asked_budget"), largest=15),
        Chart("category", ("cases", "asked_budget", "planned_reach", "customers", "conversions"), largest=15),
        Chart("asked", ("cases", "approved_cases", "lead_days", "asked_budget")),
    )
    rows_by = ("case", "office", "state", "asked")
    columns = ("overdue_cases", "asked_budget", "planned_reach", "customers", "conversions", "delivery_cost")
    of_cases = True
    tab = "proposal"


class Completion(Dashboard):
    """完成情况: the targets of running cases, those furthest behind first."""

    key = "completion"
    label = Bilingual(zh="完成情况", en="Completion")
    says = Bilingual(
        zh="执行中营销案的目标：已完成、按直线计划应完成、进度与期末预测，落后客户最多的在前。日期为开始派送的日期。",
        en=(
            "The targets of running cases: done, planned by now on a straight line, pace and forecast for the end;"
            " those with most customers behind come first. Days are those on which delivery began."
        ),
    )
    filters = ("office", "definition", "category", "aim")
    figures = ("targets_behind", "pace", "completion_rate", "forecast")
    charts = (
        Chart("case", ("shortfall", "target_done", "target_planned", "pace"), largest=15),
        Chart("office", ("shortfall", "targets_behind", "targets", "pace"), largest=15),
        Chart("aim", ("completion_rate", "target_done", "target_customers", "pace", "targets_behind")),
        Chart("month", ("targets", "targets_behind", "target_done", "target_customers", "pace")),
    )
    rows_by = ("case", "office", "aim", "forecast_method")
    columns = (
        "shortfall",
        "target_done",
        "target_planned",
        "target_customers",
        "pace",
        "forecast",
        "forecast_low",
        "forecast_high",
    )


DASHBOARDS: tuple[type[Dashboard], ...] = (Sends, Cases, Completion)


@dataclass(frozen=True, slots=True)
class FilterView:
    """A filter with what may be chosen, as (value, label), and what is chosen; empty for all."""

    name: str
    label: Bilingual
    chosen: str
    choices: tuple[tuple[str, Bilingual], ...]


@dataclass(frozen=True, slots=True)
class DashboardLine:
    """A dashboard in the list of all: its first figure, and what that means."""

    key: str
    label: Bilingual
    says: Bilingual
    figure: Cell
    metric: MetricView


@dataclass(frozen=True, slots=True)
class DashboardsView:
    """All dashboards, each with its first figure over what the viewer may see."""

    dashboards: tuple[DashboardLine, ...]
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class ChartView:
    """A chart with its answer. `key` is what it is called in addresses."""

    key: str
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
    tab: str


def listed(app: Countersign, by: By) -> DashboardsView:
    """All dashboards with their first figures."""
    meanings = {one.name: one for one in metrics.catalogue(by.viewer).metrics}
    answers = metrics.ask_all(app, by, [Wanted(kind.figures[:1]) for kind in DASHBOARDS])
    return DashboardsView(
        tuple(
            DashboardLine(kind.key, kind.label, kind.says, answer.rows[0].cells[0], meanings[kind.figures[0]])
            for kind, answer in zip(DASHBOARDS, answers, strict=True)
        ),
        answers[0].as_of,
    )


def wanted_rows(kind: type[Dashboard], chosen: Mapping[str, str], largest: int = 0) -> Wanted:
    """The question for the rows of its table with these filters."""
    return _wanted(kind, chosen, kind.columns, kind.rows_by, largest)


def _wanted(
    kind: type[Dashboard],
    chosen: Mapping[str, str],
    names: tuple[str, ...],
    dimensions: tuple[str, ...] = (),
    largest: int = 0,
) -> Wanted:
    where = {name: (chosen[name],) for name in kind.filters if chosen.get(name)}
    since, until = (chosen.get(name, "").strip() for name in ("since", "until"))
    return Wanted(names, dimensions, where, since, until, largest, kind.of_cases)


def show(app: Countersign, by: By, key: str, chosen: Mapping[str, str]) -> DashboardView:
    """The dashboard called `key` with these filters: its own by name, `since` and `until`; others mean nothing.
    NotFound where there is none; InvalidForm for a day that is none."""
    kind = find(key)
    questions = [
        _wanted(kind, chosen, kind.figures),
        *(_drawn(kind, chosen, one) for one in kind.charts),
        wanted_rows(kind, chosen, SHOWN),
    ]
    choices = [Wanted(("all_cases",), (name,)) for name in kind.filters if name in CHOSEN_OF_CASES]
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
            _filter(name, labels[name], chosen.get(name, ""), told.get(name) or CHOICES.get(name, ()))
            for name in kind.filters
        ),
        since=chosen.get("since", "").strip(),
        until=chosen.get("until", "").strip(),
        figures=figures.rows[0].cells,
        charts=tuple(
            ChartView(one.key, one.by, labels[one.by], answer) for one, answer in zip(kind.charts, charts, strict=True)
        ),
        rows_by=kind.rows_by,
        table=table,
        metrics=tuple(one for one in view.metrics if one.name in named),
        dimensions=tuple(one for one in view.dimensions if one.name in {*kind.filters, *kind.rows_by, *drawn}),
        as_of=figures.as_of,
        tab=kind.tab,
    )


def chart(app: Countersign, by: By, key: str, name: str, chosen: Mapping[str, str]) -> ChartView:
    """One chart of a dashboard, with the filters and rights of its page. NotFound where there is none of that name."""
    kind = find(key)
    drawn = next((one for one in kind.charts if one.key == name), None)
    if drawn is None:
        raise NotFound()
    answer = metrics.ask(app, by, _drawn(kind, chosen, drawn))
    labels = {one.name: one.label for one in metrics.catalogue(by.viewer).dimensions}
    return ChartView(drawn.key, drawn.by, labels[drawn.by], answer)


def _drawn(kind: type[Dashboard], chosen: Mapping[str, str], one: Chart) -> Wanted:
    return _wanted(kind, chosen, one.metrics, (one.by,), one.largest)


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
