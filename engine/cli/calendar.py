"""`countersign calendar`: the operator's own working days, above the published holidays."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from engine.errors import InvalidFile, Problem
from engine.service import workdays
from engine.service.app import Countersign
from engine.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Working days of your own.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with the columns day,kind,note; kind: working, off.")],
) -> None:
    """Keep the days of a file; a day that is there already gets the new kind. One bad row, and none is kept."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidFile([Problem("file", f"{file} cannot be read: {reason}")]) from error
    opened = Countersign.open(Settings())
    try:
        opened.db.migrate()
        days = workdays.load(opened, text, str(file))
        known = workdays.calendar(opened)
    finally:
        opened.close()
    console = Console(highlight=False)
    console.print(f"{len(days)} days kept. Deadlines follow them, those that are set already with the next tick.")
    for year in sorted({one.day.year for one in days}):
        if known.published(year):
            continue
        console.print(f"{_unpublished(year)} Once {year}-10-01 stands in your table, the year counts as entered.")


@app.command()
def show(year: Annotated[int, typer.Option(min=1990, max=2200, help="The year to show.")]) -> None:
    """The operator's days of a year, its number of working days, and whether the year is published."""
    opened = Countersign.open(Settings())
    try:
        opened.db.migrate()
        days, known = workdays.own_days(opened, year), workdays.calendar(opened)
    finally:
        opened.close()
    console = Console(highlight=False)
    number = known.between(date(year, 1, 1), date(year + 1, 1, 1))
    console.print(f"{year}: {number} working days.")
    if not known.published(year):
        console.print(_unpublished(year))
    if days:
        table = Table("day", "kind", "note")
        for one in days:
            table.add_row(one.day.isoformat(), "working" if one.working else "off", one.note)
        console.print(table)


def _unpublished(year: int) -> str:
    return f"The holidays of {year} are not published yet: Monday to Friday are taken as working days."
