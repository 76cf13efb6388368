"""`countersign offices`: offices from a CSV or XLSX file, and back into one."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from engine.cli.progress import waiting
from engine.errors import InvalidFile, Problem
from engine.service import importing, reorganising, sheets
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.settings import Settings

app = typer.Typer(no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(help="CSV or XLSX; a level above the next, where they are several.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")]
To = Annotated[Path, typer.Argument(help="Where to write it: a name that ends in .csv or .xlsx.")]


@app.callback()
def _offices() -> None:
    """Offices."""


@app.command("import")
def import_(files: Files, dry_run: Dry = False) -> None:
    """Add and change offices: columns code,name,level,parent and name_en, or the national table of divisions."""
    load(files, dry=dry_run)


@app.command()
def export(file: To) -> None:
    """Write all offices to a file that `import` reads again."""
    write(file, "offices")


def load(files: list[Path], *, dry: bool) -> None:
    """Import tables of offices or people, one after the other, and say what changed."""
    opened = Countersign.open(Settings())
    try:
        opened.db.migrate()
        for file in files:
            with waiting(f"importing {file.name}"):
                plan = importing.load(opened, OPERATOR, _bytes(file), str(file), dry=dry)
            said = "would be" if dry else "are"
            counts = f"{len(plan.added)} {said} added, {len(plan.changed)} {said} changed, {plan.unchanged} stay"
            typer.echo(f"{file}: {plan.kind}: {counts}.")
        changed = 0 if dry else reorganising.catch_up(opened)
    finally:
        opened.close()
    if changed:
        typer.echo(f"{changed} cases ask others now.")


def write(file: Path, kind: importing.Kind) -> None:
    """Export to a file whose name says the format."""
    form: Literal["csv", "xlsx"] = "xlsx" if file.suffix == ".xlsx" else "csv"
    opened = Countersign.open(Settings())
    try:
        data = importing.export(opened, OPERATOR, kind, form)
    finally:
        opened.close()
    file.write_bytes(data)
    typer.echo(f"{file} is written.")


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(sheets.MAX_BYTES + 1)
    except OSError as error:
        raise InvalidFile([Problem("file", f"{file} cannot be read: {error.strerror}")]) from error
