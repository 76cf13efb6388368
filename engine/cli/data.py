"""`countersign data`: customers, contacts, offers and lists come in as CSV files, and every bad row is named."""

import json
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.progress import waiting
from engine.definition import catalogue as fields
from engine.errors import InvalidFile, Problem
from engine.service import selecting
from engine.service.app import Countersign
from engine.settings import Settings
from engine.warehouse.dataset import Dataset, Version
from engine.warehouse.imports import KINDS, import_file
from engine.warehouse.lists import Imported
from engine.warehouse.records import read_records

app = typer.Typer(no_args_is_help=True)
Folder = Annotated[Path | None, typer.Option(help="Folder of the dataset; by default that of the settings.")]


@app.callback()
def data() -> None:
    """Import and look at the customer dataset."""


@app.command("import")
def import_(
    kind: Annotated[str, typer.Argument(help=f"{', '.join(KINDS)}, blacklist or greylist.")],
    file: Annotated[Path, typer.Argument(help="CSV with a header line; may be packed with gzip.")],
    *,
    key: Annotated[str, typer.Option(help='Column with the customer (or offer); "row" numbers the rows.')],
    name: Annotated[str, typer.Option(help="Name of the list, for the kind list.")] = "",
    catalogue: Annotated[
        str, typer.Option(help="Catalogue that gives known customer fields their types.")
    ] = "customers",
    data: Folder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Import FILE. The good rows are taken over; every bad row is named with line, column and reason."""
    _check(kind, file, name)
    if kind in selecting.LISTS:
        count = import_suppressions(kind, file, key)
        typer.echo(json.dumps({"rows": count}) if as_json else f"{count:,} entries on the {kind}")
        return
    types = _types(catalogue) if kind == "customers" else None
    dataset = Dataset(data or Settings().data)
    with waiting(f"importing {file.name} ({file.stat().st_size / 1e6:,.1f} MB)"):
        imported, version = import_file(dataset, kind, file, key, name=name, types=types)
    if as_json:
        typer.echo(json.dumps(_as_object(imported, version), ensure_ascii=False))
    else:
        _report(kind, imported, version)


@app.command()
def show(data: Folder = None) -> None:
    """Show the tables of the newest version with their columns."""
    version = Dataset(data or Settings().data).current()
    typer.echo(f"version {version.number}")
    for name, table in version.tables.items():
        typer.echo(f"{name}: {table.rows:,} rows")
        for column in table.columns:
            heading = f' ("{column.heading}")' if column.heading not in ("", column.name) else ""
            typer.echo(f"  {column.name}: {column.type}{heading}")


def _check(kind: str, file: Path, name: str) -> None:
    problems = []
    if kind not in KINDS and kind not in selecting.LISTS:
        hint = f"possible: {', '.join((*KINDS, *selecting.LISTS))}"
        problems.append(Problem(code="D112", message=f"there is no kind {kind!r}", hint=hint))
    if (kind == "list") != bool(name):
        problems.append(Problem(code="D113", message="a list, and nothing else, needs --name"))
    if not file.is_file():
        problems.append(Problem(code="D114", message=f"there is no file {file}"))
    if problems:
        raise InvalidFile(problems)


def _types(name: str) -> dict[str, str]:
    found = fields.catalogue(name)
    if found is None:
        hint = f"there are {', '.join(fields.known_catalogues())}"
        raise InvalidFile([Problem(code="D116", message=f"there is no catalogue {name!r}", hint=hint)])
    return found.types


def import_suppressions(kind: str, file: Path, key: str) -> int:
    """A CSV with the key and a column `reason` onto a suppression list of the case database."""
    records = read_records(file)
    missing = [name for name in (key, "reason") if name not in records.headings]
    if missing or records.bad:
        told = [Problem(code="D107", message=f"there is no column {name!r}", at=file.name) for name in missing]
        told += [Problem(code="D115", message=row.reason, at=file.name, line=row.line) for row in records.bad]
        raise InvalidFile(told)
    customers, reasons = (records.rows.column(records.headings.index(name)).to_pylist() for name in (key, "reason"))
    opened = Countersign.open()
    try:
        entries = dict(zip(customers, reasons, strict=True))
        return selecting.import_suppressions(opened, kind, entries, by="import")
    finally:
        opened.close()


def _as_object(imported: Imported, version: Version) -> dict[str, object]:
    return {
        "version": version.number,
        "rows": imported.rows,
        "columns": {column.name: column.type for column in imported.table.columns},
        "bad": [{"line": row.line, "column": row.column, "reason": row.reason} for row in imported.bad],
    }


def _report(kind: str, imported: Imported, version: Version) -> None:
    for row in imported.bad:
        typer.echo(str(row))
    bad_lines = len({row.line for row in imported.bad})
    columns = ", ".join(f"{column.name}: {column.type}" for column in imported.table.columns)
    typer.echo(f"{imported.rows:,} rows of {kind} imported, {bad_lines:,} refused (dataset version {version.number})")
    typer.echo(f"fields: {columns}")
