"""Dashboards as their viewers see them: every question of one asked over one version of the facts.

Refuses figures that the catalogue of metrics does not have.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter

from engine.errors import NotFound
from engine.service import metrics
from engine.service.app import Countersign
from engine.service.dashboard_kinds import (
    CHOICES,
    CHOSEN_OF,
    DASHBOARDS,
    DAYS,
    Chart,
    Dashboard,
    Marks,
    Reveals,
    asked,
    find,
)
from engine.service.metrics import Answer, Cell, DimensionView, MetricView, Wanted
from engine.service.recording import By
from engine.values import NO_TEXT, Bilingual

MOST_CHOICES, SHOWN = 200, 50


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
    marks: Marks = "bars"


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
    remark: Bilingual = NO_TEXT
    reveals: Reveals = "nothing"


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
    since, until, where = asked(kind.filters, chosen)
    return Wanted(names, dimensions, where, since, until, largest, kind.of_cases)


def show(app: Countersign, by: By, key: str, chosen: Mapping[str, str]) -> DashboardView:
    """The dashboard called `key` with these filters: its own by name, `since` and `until`; others mean nothing.
    NotFound where there is none; InvalidForm for a day that is none."""
    kind = find(key)
    view, told = metrics.catalogue(by.viewer), {}
    labels = {one.name: one.label for one in view.dimensions}
    filters = tuple(name for name in kind.filters if name in labels)
    chosen = {name: value for name, value in chosen.items() if name in (*filters, *DAYS)}
    drawn = tuple(one for one in kind.charts if one.by in labels)
    questions = [
        _wanted(kind, chosen, kind.figures),
        *(_drawn(kind, chosen, one) for one in drawn),
        wanted_rows(kind, chosen, SHOWN),
    ]
    choices = [Wanted((CHOSEN_OF[name],), (name,), largest=MOST_CHOICES) for name in filters if name in CHOSEN_OF]
    answers = metrics.ask_all(app, by, [*questions, *choices])
    (figures, *charts, table), listed = answers[: len(questions)], answers[len(questions) :]
    for answer in listed:
        told[answer.by[0]] = tuple(
            sorted(((row.keys[0], row.labels[0]) for row in answer.rows if row.keys[0]), key=itemgetter(0))
        )
    named = {*kind.figures, *kind.columns, *(name for one in drawn for name in one.metrics)}
    dimensions = {*filters, *kind.rows_by, *(one.by for one in drawn)}
    return DashboardView(
        key=key,
        label=kind.label,
        says=kind.says,
        filters=tuple(
            _filter(name, labels[name], chosen.get(name, ""), told.get(name) or CHOICES.get(name, ()))
            for name in filters
        ),
        since=chosen.get("since", "").strip(),
        until=chosen.get("until", "").strip(),
        figures=figures.rows[0].cells,
        charts=tuple(
            ChartView(one.key, one.by, labels[one.by], answer, one.marks)
            for one, answer in zip(drawn, charts, strict=True)
        ),
        rows_by=kind.rows_by,
        table=table,
        metrics=tuple(one for one in view.metrics if one.name in named),
        dimensions=tuple(one for one in view.dimensions if one.name in dimensions),
        as_of=figures.as_of,
        tab=kind.tab,
        remark=kind.remark(app),
        reveals=kind.reveals,
    )


def chart(app: Countersign, by: By, key: str, name: str, chosen: Mapping[str, str]) -> ChartView:
    """One chart of a dashboard, with the filters and rights of its page. NotFound where there is none of that name."""
    kind = find(key)
    drawn = next((one for one in kind.charts if one.key == name), None)
    if drawn is None:
        raise NotFound()
    answer = metrics.ask(app, by, _drawn(kind, chosen, drawn))
    labels = {one.name: one.label for one in metrics.catalogue(by.viewer).dimensions}
    return ChartView(drawn.key, drawn.by, labels[drawn.by], answer, drawn.marks)


def _drawn(kind: type[Dashboard], chosen: Mapping[str, str], one: Chart) -> Wanted:
    wanted = _wanted(kind, chosen, one.metrics, (one.by,), one.largest)
    both = {name: _both(wanted.where.get(name, ()), some) for name, some in one.only.items()}
    return replace(wanted, where={**wanted.where, **both})


def _filter(name: str, label: Bilingual, chosen: str, choices: tuple[tuple[str, Bilingual], ...]) -> FilterView:
    """What was chosen stands among the choices, though no case has it: else the form would say "all"."""
    if chosen and chosen not in dict(choices):
        choices = (*choices, (chosen, Bilingual(zh=chosen, en=chosen)))
    return FilterView(name, label, chosen, choices)


def _both(chosen: tuple[str, ...], only: tuple[str, ...]) -> tuple[str, ...]:
    """The values that both name; one that is nowhere where there are none."""
    return tuple(one for one in only if not chosen or one in chosen) or ("-",)
