"""The report of an outcome file as one HTML page that needs nothing else: styles and drawings stand in it, no script.

Its content security policy forbids every request. Refuses figures that `telling` does not have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from engine.cli.evaluating.telling import Telling
from engine.cli.evaluating.words import FORMULAS
from engine.evaluation.forest import Axis, axis
from engine.evaluation.metrics import Measure
from engine.evaluation.sentence import Verdict
from engine.evaluation.subgroups import Subgroups
from engine.evaluation.uplift import Lift
from engine.service.outcome_files import FileReport
from engine.values import Language

HERE = Path(__file__).parent
TONES: dict[Verdict, str] = {"works": "go", "harms": "stop", "loses_money": "stop", "sample_ratio": "stop"}


@dataclass(frozen=True, slots=True)
class Part:
    """A drawing with the table behind it. `rows` are (name, cells); `drawn` names what the marks of `plot` are."""

    title: str
    first: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    plot: Axis | None
    drawn: tuple[str, ...]
    note: str = ""


def page(report: FileReport, language: Language) -> str:
    """The page in one language."""
    telling = Telling(report, language)
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html").render(
        language=language,
        telling=telling,
        report=report,
        tone=TONES.get(report.total.judged.verdict, ""),
        parts=[_of_metric(telling, name, measure) for name, measure in report.question.measures.items()],
        subgroups=[_of_subgroups(telling, table) for table in report.subgroups],
        formulas=[tuple(text.in_language(language) for text in row) for row in FORMULAS],
    )


def _of_metric(telling: Telling, name: str, measure: Measure) -> Part:
    rows = [(telling.arm(one.name), one.lifts[name]) for one in telling.report.compared]
    return Part(
        title=telling.metric_title(name),
        first=telling.word("arm"),
        headings=(*telling.headings(measure), telling.word("method")),
        rows=tuple(
            (telling.arm(one.name), (*telling.cells(one, name, measure), _method(one.lifts[name])))
            for one in telling.report.compared
        ),
        plot=_plot(rows, measure),
        drawn=tuple(name for name, lift in rows if lift is not None),
    )


def _of_subgroups(telling: Telling, table: Subgroups) -> Part:
    rows = [(row.value, row.lift) for row in table.rows]
    return Part(
        title=telling.subgroups_title(table),
        first=table.column,
        headings=(*telling.subgroup_headings(table.measure), telling.word("method")),
        rows=tuple((row.value, (*telling.subgroup_cells(row, table.measure), _method(row.lift))) for row in table.rows),
        plot=_plot(rows, table.measure),
        drawn=tuple(name for name, lift in rows if lift is not None),
        note=telling.interaction(table),
    )


def _method(lift: Lift | None) -> str:
    return "–" if lift is None else f"{lift.method}, {lift.test}"


def _plot(rows: Sequence[tuple[str, Lift | None]], measure: Measure) -> Axis | None:
    scale = 100.0 if measure == "rate" else 1.0
    known = [(lift.low * scale, lift.lift * scale, lift.high * scale) for _, lift in rows if lift is not None]
    return axis(known) if known else None
