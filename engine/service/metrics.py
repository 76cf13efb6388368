"""Answers questions in the words of the catalogue of metrics: the one way from facts to figures.

A page, the REST API, the command line and an export ask here, so they say the same. What the viewer may not see is in
no row and in no sum: `store.visibility` says which cases those are, and every statement is over them alone. Refuses a
name that the catalogue does not have, and a dimension that a metric is not told apart by.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from engine.definition.catalogue import figures
from engine.errors import InvalidForm, Problem
from engine.evaluation.figures import MOST_ROWS, Catalogue, Metric
from engine.evaluation.statements import Asked, statement
from engine.expr.types import nearest
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.days import find_day, turned
from engine.service.named_staff import NamedStaff
from engine.service.recording import By
from engine.service.views import Viewer
from engine.store import facts as ledger
from engine.store import visibility
from engine.values import Bilingual

if TYPE_CHECKING:
    from engine.warehouse.asking import Facts

MOST_VALUES = 200
AT_ONCE = 5_000
MOST_METRICS, MOST_DIMENSIONS = 12, 4


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure: its value with what it was made of, and the 95% interval of a rate. `value` is None where there is
    nothing to divide by. `too_few`: told apart by people there are too few tries for a rate; then its numerator is None
    as well."""

    metric: str
    value: float | None
    numerator: Decimal | None
    denominator: Decimal
    low: float | None = None
    high: float | None = None
    too_few: bool = False


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """The figures of one combination of dimensions: its keys, and what they are called."""

    keys: tuple[str, ...]
    labels: tuple[Bilingual, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked, and the rows in the order of their keys. `as_of` is the moment whose ledger the facts show, None
    before the first refresh; `version` the version of the facts. `cut`: there are more rows than are told."""

    metrics: tuple[str, ...]
    by: tuple[str, ...]
    rows: tuple[AnswerRow, ...]
    as_of: datetime | None
    version: int
    cut: bool
    sql: str = ""

    @property
    def only(self) -> AnswerRow | None:
        """The one row of a question without dimensions."""
        return self.rows[0] if self.rows and not self.by else None


@dataclass(frozen=True, slots=True)
class MetricView:
    """A metric as lists show it. `expression` is the SQL of numerator and denominator."""

    name: str
    label: Bilingual
    says: Bilingual
    kind: str
    fact: str
    unit: str
    dimensions: tuple[str, ...]
    numerator: str
    denominator: str


@dataclass(frozen=True, slots=True)
class DimensionView:
    """A dimension as lists show it."""

    name: str
    label: Bilingual


@dataclass(frozen=True, slots=True)
class MetricsView:
    """The catalogue."""

    metrics: tuple[MetricView, ...]
    dimensions: tuple[DimensionView, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question as somebody typed it: see `Asked`. Names and days are checked when it is asked. Metrics over several
    tables of facts need `of_cases`."""

    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    since: str = ""
    until: str = ""
    largest: int = 0
    of_cases: bool = False


def catalogue(viewer: Viewer | None = None) -> MetricsView:
    """All metrics and dimensions; those that name people only for who may see them."""
    known = figures()
    hidden = {name for name in known.dimensions if not _may_tell(known, name, viewer)}
    return MetricsView(
        metrics=tuple(_shown(known, name, one, hidden) for name, one in known.metrics.items()),
        dimensions=tuple(
            DimensionView(name, one.label) for name, one in known.dimensions.items() if name not in hidden
        ),
    )


def ask(app: Countersign, by: By, wanted: Wanted, *, sql: bool = False) -> Answer:
    """The answer over what the viewer may see; the operator at the terminal sees every case. `sql`: with the statement.
    InvalidForm names every name that is not known."""
    (answer,) = ask_all(app, by, [wanted], sql=sql)
    return answer


def ask_all(app: Countersign, by: By, questions: Sequence[Wanted], *, sql: bool = False) -> tuple[Answer, ...]:
    """Several questions of one version of the facts, each as `ask`."""
    known = figures()
    with _opened(app, by, questions) as (tx, facts):
        checked = [_checked(known, one, by.viewer) for one in questions]
        answers = []
        for asked in checked:
            made = statement(known, asked)
            rows = facts.ask(made).rows
            kept = rows[: asked.largest or MOST_ROWS]
            labels = _labels(app, tx, facts, asked, kept)
            answers.append(
                Answer(
                    metrics=asked.metrics,
                    by=asked.by,
                    rows=tuple(_row(known, asked, row, labels) for row in kept),
                    as_of=facts.as_of,
                    version=facts.version.number,
                    cut=len(rows) > len(kept),
                    sql=made.sql if sql else "",
                )
            )
        return tuple(answers)


def every_row(app: Countersign, by: By, wanted: Wanted) -> Iterator[AnswerRow]:
    """Every row of an answer, however many; only a piece of them is held with its labels."""
    known = figures()
    with _opened(app, by, [wanted]) as (tx, facts):
        asked = _checked(known, wanted, by.viewer).model_copy(update={"whole": True})
        rows = facts.ask(statement(known, asked)).rows
        for first in range(0, len(rows), AT_ONCE):
            piece = rows[first : first + AT_ONCE]
            labels = _labels(app, tx, facts, asked, piece)
            yield from (_row(known, asked, row, labels) for row in piece)


@contextmanager
def _opened(app: Countersign, by: By, questions: Sequence[Wanted]) -> "Iterator[tuple[Connection, Facts]]":
    """The facts with what the viewer may see of them for these questions."""
    # DuckDB and pyarrow take half a second to load; pages that show no figures start without.
    from engine.warehouse.asking import Facts  # noqa: PLC0415

    if by.viewer is not None:
        authorize(by.viewer, "metrics.read")
    with app.db.read() as tx:
        seen = ledger.every_case(tx) if by.viewer is None else visibility.all_seen(tx, by.viewer.person)
        told_by = {name for one in questions for name in (*one.by, *one.where)}
        names_people = any(one.roles for name, one in figures().dimensions.items() if name in told_by)
        named = NamedStaff(by.viewer, app.organisation(tx)).offices if names_people else ()
        with Facts(app.settings.data, seen, named) as facts:
            yield tx, facts


def _row(known: Catalogue, asked: Asked, row: Sequence[object], labels: Sequence[Mapping[str, Bilingual]]) -> AnswerRow:
    count = len(asked.by)
    keys = tuple(str(key) for key in row[:count])
    fewest = max((known.dimensions[name].fewest for name in (*asked.by, *asked.where)), default=0)
    ends, cells = iter(row[count + 2 * len(asked.metrics) :]), []
    for place, name in enumerate(asked.metrics):
        made = (_exact(row[count + 2 * place]), _exact(row[count + 2 * place + 1]))
        metric = known.metrics[name]
        held = (next(ends), next(ends)) if metric.ends else (None, None)
        cells.append(_cell(name, metric, made, held, fewest=fewest))
    said = tuple(labels[n].get(key, Bilingual(zh=key, en=key)) for n, key in enumerate(keys))
    return AnswerRow(keys, said, tuple(cells))


def _cell(
    name: str, metric: Metric, made: tuple[Decimal, Decimal], held: tuple[object, object], *, fewest: int
) -> Cell:
    numerator, denominator = made
    if metric.kind == "rate" and denominator < fewest:
        return Cell(name, None, None, denominator, too_few=True)
    value = metric.value(numerator, denominator)
    low, high = held
    if isinstance(low, float) and isinstance(high, float):
        return Cell(name, value, numerator, denominator, low, high)
    return Cell(name, value, numerator, denominator, *(metric.interval(numerator, denominator) or (None, None)))


def _exact(value: object) -> Decimal:
    return Decimal(f"{value:.12g}") if isinstance(value, float) else Decimal(str(value or 0))


def _labels(
    app: Countersign, tx: Connection, facts: "Facts", asked: Asked, rows: Sequence[Sequence[object]]
) -> list[Mapping[str, Bilingual]]:
    from engine.service.metric_labels import labels_of  # noqa: PLC0415  loads pyarrow

    return [labels_of(app, tx, facts, name, {str(row[n]) for row in rows}) for n, name in enumerate(asked.by)]


def _checked(known: Catalogue, wanted: Wanted, viewer: Viewer | None) -> Asked:
    problems = list(_problems(known, wanted, viewer))
    if problems:
        raise InvalidForm(problems)
    where = {name: tuple(dict.fromkeys(some)) for name, some in wanted.where.items() if some}
    limits = {"since": wanted.since, "until": wanted.until, "largest": min(max(wanted.largest, 0), MOST_ROWS)}
    return Asked(metrics=wanted.metrics, by=wanted.by, where=where, of_cases=wanted.of_cases, **limits)


def _problems(known: Catalogue, wanted: Wanted, viewer: Viewer | None) -> Iterable[Problem]:
    strange = [name for name in wanted.metrics if name not in known.metrics]
    if strange or not wanted.metrics:
        names, there = ", ".join(strange) or "nothing", ", ".join(known.metrics)
        hint = nearest(strange[0], tuple(known.metrics)) if strange else ""
        yield Problem(
            "E430", f"no metric is called {names}", hint or f"there are {there}", "metrics", fields={"names": names}
        )
        return
    facts = {known.metrics[name].of for name in wanted.metrics}
    mixed = len(facts) > 1 and not wanted.of_cases
    if mixed or len(wanted.metrics) > MOST_METRICS or len(wanted.by) > MOST_DIMENSIONS:
        hint = f"ask for them one by one; {MOST_METRICS} metrics and {MOST_DIMENSIONS} dimensions at most"
        yield Problem("E431", "these metrics count over different facts, or are too many at a time", hint, "metrics")
    for name in dict.fromkeys((*wanted.by, *wanted.where)):
        by = known.dimensions[name].by.keys() if name in known.dimensions else ()
        tells = facts <= set(by) or (wanted.of_cases and "case" in by)
        if not tells or not _may_tell(known, name, viewer):
            there = ", ".join(one for one in known.dimensions_of(wanted.metrics[0]) if _may_tell(known, one, viewer))
            told = f"{', '.join(wanted.metrics)} cannot be told apart by {name}"
            yield Problem("E432", told, f"possible: {there}", "by", fields={"name": name})
    named = {name for name in (*wanted.by, *wanted.where) if name in known.dimensions}
    for name in sorted(named):
        if also := named.intersection(known.dimensions[name].apart_from):
            fields = {"name": name, "other": min(also)}
            told = f"figures cannot be told apart by {name} and {min(also)} at once: there would be too few to say much"
            yield Problem("E463", told, at="by", fields=fields)
    if any(len(some) > MOST_VALUES for some in wanted.where.values()):
        yield Problem("E433", f"a filter takes {MOST_VALUES} values at most", at="where")
    for place, day in (("since", wanted.since), ("until", wanted.until)):
        if day and find_day(day) is None:
            yield Problem("E434", f"{day[:40]!r} is not a day; write it as 2026-11-30", at=place, fields={"value": day})
    first, last = find_day(wanted.since), find_day(wanted.until)
    if first and last and first > last:
        yield turned("since")


def _may_tell(known: Catalogue, name: str, viewer: Viewer | None) -> bool:
    roles = known.dimensions[name].roles
    return viewer is None or not roles or viewer.has(*roles)


def _shown(known: Catalogue, name: str, one: Metric, hidden: set[str]) -> MetricView:
    dimensions = tuple(each for each in known.dimensions_of(name) if each not in hidden)
    return MetricView(name, one.label, one.says, one.kind, one.of, one.unit, dimensions, one.numerator, one.denominator)
