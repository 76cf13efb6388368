"""The report of an outcome file for a terminal: a table per outcome and subgroup, notes, the verdict last."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engine.cli.evaluating.telling import Telling
from engine.evaluation.metrics import Measure
from engine.evaluation.subgroups import Subgroups
from engine.service.outcome_files import FileReport
from engine.values import Language

TOLD = 6  # columns that a terminal of 80 has room for; relative lifts are in the JSON and on the page


def show(report: FileReport, language: Language) -> None:
    """Print it."""
    console, telling = Console(), Telling(report, language)
    for name, measure in report.question.measures.items():
        console.print(_table(telling, name, measure))
    for subgroups in report.subgroups:
        console.print(_subgroups(telling, subgroups))
        console.print(escape(telling.interaction(subgroups)))
    if report.subgroups:
        console.print(escape(telling.caution))
    for compared in report.compared:
        if (said := telling.profit(compared)) is not None:
            console.print(escape(said))
    for note in telling.notes:
        console.print(escape(note))
    for warning in telling.warnings:
        console.print(escape(warning))
    console.print(f"[b]{escape(telling.verdict)}[/] ({escape(telling.judged_by)})")


def _table(telling: Telling, name: str, measure: Measure) -> Table:
    table = _empty(telling.metric_title(name), telling.word("arm"))
    for heading in telling.headings(measure)[:TOLD]:
        table.add_column(heading, justify="right", no_wrap=True)
    for compared in telling.report.compared:
        table.add_row(escape(telling.arm(compared.name)), *telling.cells(compared, name, measure)[:TOLD])
    return table


def _subgroups(telling: Telling, subgroups: Subgroups) -> Table:
    table = _empty(telling.subgroups_title(subgroups), subgroups.column)
    for heading in telling.headings(subgroups.measure)[:TOLD]:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in subgroups.rows:
        n, level, _, *rest = telling.subgroup_cells(row, subgroups.measure)
        table.add_row(escape(row.value), n, level, *rest)
    return table


def _empty(title: str, first: str) -> Table:
    table = Table(title=escape(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column(escape(first), overflow="fold")
    return table
