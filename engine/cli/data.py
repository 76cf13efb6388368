"""`countersign data`: customers, contacts, offers, usage and lists come in as files or from a database, and every bad
row is named."""

import json
from pathlib import Path
from typing import Annotated

import typer

from engine import clock
from engine.cli.progress import counting
from engine.definition.catalogue import CustomerField
from engine.errors import InvalidFile, Problem
from engine.service import optouts, seed_lists, selecting, sheets
from engine.service.app import Countersign
from engine.service.sealing import dataset_of
from engine.settings import Settings
from engine.warehouse import erased, imports, syncing
from engine.warehouse.blanks import read_blanks
from engine.warehouse.dataset import Dataset, Published, Version
from engine.warehouse.imports import Staged, Wanted
from engine.warehouse.kinds import KINDS, LIST_NAME, address_columns
from engine.warehouse.lists import no_column
from engine.warehouse.rows import BadRow, Records
from engine.warehouse.sealed import seal_versions, seal_waves
from engine.warehouse.shapes import Shape, shape_of

app = typer.Typer(no_args_is_help=True)
BY = "operator"
SOURCE = "CSV (also packed with gzip), XLSX or Parquet; or sql:CONNECTION:TABLE, sql:CONNECTION:SELECT …"
Folder = Annotated[Path | None, typer.Option(help="Folder of the dataset; by default that of the settings.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Errors = Annotated[Path | None, typer.Option(help="Also write every bad row into this CSV file.")]


@app.callback()
def data() -> None:
    """Import and look at the customer dataset."""


@app.command("import")
def import_(
    kind: Annotated[str, typer.Argument(help=f"{', '.join(KINDS)}, blacklist or greylist.")],
    file: Annotated[str, typer.Argument(metavar="SOURCE", help=SOURCE)],
    *,
    key: Annotated[str, typer.Option(help='Column with the customer (or offer); "row" numbers the rows.')],
    name: Annotated[str, typer.Option(help="Name of the list, for the kind list.")] = "",
    catalogue: Annotated[
        str, typer.Option(help="Catalogue that gives known customer fields their types.")
    ] = "customers",
    blank: Annotated[str, typer.Option(help='What stands for no value, as "NULL, pdays=-1".')] = "",
    data: Folder = None,
    errors: Errors = None,
    as_json: Json = False,
) -> None:
    """Import SOURCE. The good rows are taken over; every bad row is named with line or row, column and reason."""
    _check(kind, name)
    shape = shape_of(file, connections=_connections())
    with counting(f"importing {shape.name}") as told:
        records = shape.records(told)
        if kind in selecting.LISTS:
            count = import_suppressions(kind, shape, records, key)
            typer.echo(json.dumps({"rows": count}) if as_json else f"{count:,} entries on the {kind}")
            return
        dataset = dataset_of(Settings(), data)
        wanted = Wanted(kind, key, name, catalogue=catalogue, blanks=read_blanks(blank))
        staged = imports.stage(dataset, records, shape.name, wanted, told)
    published = imports.publish(dataset, [staged], BY)
    dataset.sweep()
    bad = staged.imported.bad
    if errors is not None:
        errors.write_bytes(report_of(bad))
    if as_json:
        typer.echo(json.dumps(_as_object(staged, published), ensure_ascii=False))
        return
    for row in bad:
        typer.echo(str(row))
    _say(dataset, [staged], published)
    typer.echo(f"fields: {', '.join(f'{column.name}: {column.type}' for column in staged.imported.table.columns)}")
    if out := imports.left_out(staged.imported, wanted, records):
        typer.echo(f"left out, no field of {kind}: {', '.join(out)}")


@app.command()
def sync(
    file: Annotated[Path, typer.Argument(help="YAML that names sources: kind, source, key, columns.")],
    data: Folder = None,
    errors: Errors = None,
    as_json: Json = False,
) -> None:
    """Import all sources that FILE names as one version, or none of them."""
    dataset = dataset_of(Settings(), data)
    with counting("") as told:
        staged, published = syncing.sync_all(dataset, file, _connections(), by=BY, label=told.labelled)
    dataset.sweep()
    if errors is not None:
        errors.write_bytes(report_of([row for one in staged for row in one.imported.bad]))
    if as_json:
        typer.echo(json.dumps([_as_object(one, published) for one in staged], ensure_ascii=False))
        return
    for one in staged:
        for row in one.imported.bad:
            typer.echo(f"{one.taken.source}: {row}")
    _say(dataset, staged, published)


@app.command()
def versions(
    last: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 20,
    data: Folder = None,
    as_json: Json = False,
) -> None:
    """List versions: when, by whom, from what, and what each changed against the one before."""
    dataset = dataset_of(Settings(), data)
    found = dataset.versions(last)
    if as_json:
        typer.echo(json.dumps([_version(dataset, version) for version in found], ensure_ascii=False))
        return
    zone = Settings().zone
    for version in found:
        when = f"{version.at.astimezone(zone):%Y-%m-%d %H:%M}" if version.at else "before times were kept"
        typer.echo(f"version {version.number}, {when}{f', by {version.by}' if version.by else ''}")
        for change in dataset.changes(version):
            typer.echo(f"  {change.table}: {_moved(change.before, change.after)}")
        for taken in version.taken:
            told = f"{taken.rows:,} rows, {taken.refused:,} refused, sha256 {taken.sha256[:12]}"
            typer.echo(f"  from {taken.source} into {taken.table}: {told}")
    if not found:
        typer.echo("there is no version yet")


@app.command()
def verify(
    number: Annotated[int, typer.Argument(metavar="[VERSION]", help="By default the newest.")] = 0, data: Folder = None
) -> None:
    """Read every file of a version again and compare its sha256; name the first that differs."""
    dataset = dataset_of(Settings(), data)
    try:
        version = dataset.version(number) if number else dataset.current()
    except FileNotFoundError as error:
        problem = Problem("D129", f"there is no version {number}", fields={"version": number})
        raise InvalidFile([problem]) from error
    with counting(f"verifying version {version.number}") as told:
        read = dataset.verify(version, told)
    swept = dataset.sweep()
    files = sum(len(table.files) for table in version.tables.values())
    typer.echo(f"intact: version {version.number}, {files:,} files, {read / 1e6:,.1f} MB")
    if names := erased.names(dataset.folder):
        replaced = dataset.without_erased(version)
        since = f"; of this version {replaced:,} files were replaced, as the folder replaced/ says" if replaced else ""
        typer.echo(f"without {len(names):,} customers who were erased on request{since}")
    if swept:
        typer.echo(f"swept: {swept:,} files that no version names, left by an import that was cut off")


@app.command()
def seal(data: Folder = None) -> None:
    """Encrypt the addresses that files of earlier releases hold as they are, in every version and in waves; and those
    that were encrypted with an earlier secret key anew."""
    settings = Settings()
    dataset = dataset_of(settings, data)
    with counting("sealing addresses") as told:
        files, count = seal_versions(dataset, address_columns(), by=BY, at=clock.now(), told=told)
        waves = seal_waves(dataset, told)
    opted_out = 0 if data is not None else _others(Countersign.open(settings))
    told_of = f"{count:,} addresses in {files:,} files of the dataset, {waves:,} files of waves"
    told_of += f", {opted_out:,} addresses that opted out or are seeds" if opted_out else ""
    typer.echo(
        f"sealed: {told_of}"
        if files or waves or opted_out
        else "nothing to do: every address is sealed with the key in force"
    )


def _others(opened: Countersign) -> int:
    """Seal anew what the database holds; how many addresses."""
    return optouts.renew(opened) + seed_lists.renew(opened)


@app.command()
def show(data: Folder = None) -> None:
    """Show the tables of the newest version with their columns, as the catalogue describes them."""
    version = dataset_of(Settings(), data).current()
    typer.echo(f"version {version.number}")
    for name, table in version.tables.items():
        kind = KINDS.get(name)
        known = kind.fields("customers").fields if kind else {}
        typer.echo(f"{name}: {table.rows:,} rows")
        for column in table.columns:
            heading = f' ("{column.heading}")' if column.heading not in ("", column.name) else ""
            typer.echo(f"  {column.name}: {column.type}{heading}{_described(known.get(column.name))}")


def _described(field: CustomerField | None) -> str:
    if field is None:
        return ""
    unit = f", {field.unit.zh} {field.unit.en}" if field.unit.zh else ""
    values = f", one of {', '.join(field.values)}" if field.values else ""
    return f" - {field.label.zh} {field.label.en}{unit}{values}{', personal' if field.personal else ''}"


def report_of(bad: "list[BadRow] | tuple[BadRow, ...]") -> bytes:
    """Every bad row as CSV; a cell that would begin a formula is kept as text."""
    rows = [(str(row.line), row.column, row.reason) for row in bad]
    return sheets.write("csv", ("line", "column", "reason"), rows, title="errors")


def _check(kind: str, name: str) -> None:
    problems = []
    if kind not in KINDS and kind not in selecting.LISTS:
        hint = f"possible: {', '.join((*KINDS, *selecting.LISTS))}"
        problems.append(Problem(code="D112", message=f"there is no kind {kind!r}", hint=hint))
    if (kind == "list") != bool(name):
        problems.append(Problem(code="D113", message="a list, and nothing else, needs --name"))
    elif name and not LIST_NAME.fullmatch(name):
        message = f"{name!r} is no name of a list: small letters, digits and _, beginning with a letter"
        problems.append(Problem(code="D113", message=message))
    if problems:
        raise InvalidFile(problems)


def _connections() -> dict[str, str]:
    path = Settings().connections
    return dict(syncing.read_connections(path)) if path != Path() else {}


def import_suppressions(kind: str, shape: Shape, records: Records, key: str) -> int:
    """Rows with the key and a column `reason` onto a suppression list of the case database."""
    missing = [name for name in (key, "reason") if name not in records.headings]
    if missing or records.bad:
        there = ", ".join(records.headings)
        told = [no_column(name, records.headings, f"there are {there}", shape.name) for name in missing]
        told += [Problem("D115", row.reason, at=shape.name, line=row.line) for row in records.bad]
        raise InvalidFile(told)
    customers, reasons = (records.rows.column(records.headings.index(name)).to_pylist() for name in (key, "reason"))
    opened = Countersign.open()
    try:
        entries = dict(zip(customers, reasons, strict=True))
        return selecting.import_suppressions(opened, kind, entries, by="import")
    finally:
        opened.close()


def _as_object(staged: Staged, published: Published) -> dict[str, object]:
    imported = staged.imported
    return {
        "version": published.version.number,
        "new": published.is_new,
        "table": staged.wanted.table,
        "rows": imported.rows,
        "refused": imported.refused,
        "columns": {column.name: column.type for column in imported.table.columns},
        "bad": [{row.place: row.line, "column": row.column, "reason": row.reason} for row in imported.bad],
    }


def _version(dataset: Dataset, version: Version) -> dict[str, object]:
    return {
        "version": version.number,
        "at": version.at.isoformat() if version.at else None,
        "by": version.by,
        "tables": {name: table.rows for name, table in version.tables.items()},
        "changes": [{"table": one.table, "before": one.before, "after": one.after} for one in dataset.changes(version)],
        "taken": [
            {"table": one.table, "source": one.source, "sha256": one.sha256, "rows": one.rows, "refused": one.refused}
            for one in version.taken
        ],
    }


def _say(dataset: Dataset, staged: "list[Staged] | tuple[Staged, ...]", published: Published) -> None:
    number = published.version.number
    for one in staged:
        told = f"{one.imported.rows:,} rows of {one.wanted.table} imported, {one.imported.refused:,} refused"
        typer.echo(f"{told} (dataset version {number})")
        for column in one.lost:
            now = f"is {column.now} now, it was {column.was}" if column.now else "is gone"
            typer.echo(f"  column {column.name} {now}: look at the rules and groups that name it")
    if not published.is_new:
        typer.echo(f"nothing changed: version {number} holds all of it already")


def _moved(before: int | None, after: int | None) -> str:
    if before is None or after is None:
        return f"{after:,} rows, new" if before is None and after is not None else "removed"
    return f"{before:,} -> {after:,} rows" if before != after else f"{after:,} rows, other values"
