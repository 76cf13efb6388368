"""`countersign audience`: try an audience section on the customer dataset, and check a frozen list."""

import json
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import duckdb
import msgspec
import typer
from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.table import Table

from engine.audience.compile import Selection, compile_audience, customer_type, readable_tables
from engine.audience.plan import AudiencePlan
from engine.audience.sql import CheckedSql, check_sql
from engine.cli import groups
from engine.cli.opening import application_as_it_is
from engine.cli.progress import waiting
from engine.definition.catalogue import catalogue
from engine.definition.document import Document, read
from engine.errors import InvalidDefinition, InvalidExpression, InvalidFile, Problem
from engine.expr import Scope, compile_expression
from engine.expr.types import BOOL
from engine.service import group_pins
from engine.service.sealing import dataset_of
from engine.settings import Settings
from engine.warehouse.dataset import Dataset, Version
from engine.warehouse.earlier import from_history
from engine.warehouse.elsewhere import Place
from engine.warehouse.freeze import LIST, Frozen, freeze, open_frozen
from engine.warehouse.freeze import verify as verify_folder
from engine.warehouse.places import place_of
from engine.warehouse.run import Limits, select
from engine.warehouse.subjects import subject_of
from engine.warehouse.why import Why, of_frozen, why

app = typer.Typer(no_args_is_help=True)
app.add_typer(groups.app, name="groups")


@app.callback()
def audience() -> None:
    """Select target customers."""


@app.command()
def run(
    file: Annotated[Path, typer.Argument(help="YAML with an `audience:` section; other sections are passed over.")],
    *,
    as_of: Annotated[datetime, typer.Option(help="The day (or time, UTC) that the selection is made for.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the dataset; by default that of the settings.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the list here: .parquet or .csv.")] = None,
    offer: Annotated[list[str] | None, typer.Option(help="What is offered, for conflicts and similar: offer.")] = None,
    category: Annotated[list[str] | None, typer.Option(help="Its category, for similar: category.")] = None,
    channel: Annotated[list[str] | None, typer.Option(help="Channels used, for similar: channel.")] = None,
    salt: Annotated[str, typer.Option(help="Draws the control group: case number and round.")] = "trial-1",
    on: Annotated[
        str,
        typer.Option(
            help="Select on this server or cluster: CONNECTION or CONNECTION:SCHEMA of COUNTERSIGN_CONNECTIONS."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Select the customers of FILE's audience and print the waterfall."""
    settings = Settings()
    dataset = dataset_of(settings, data)
    place = place_of(on, settings.connections) if on else None
    version = place.version(dataset.current()) if place else dataset.current()
    plan = _with_groups(_plan(file, version))
    selection = compile_audience(
        plan,
        fields=_fields(version),
        tables=frozenset(version.tables),
        subject=subject_of(
            dataset, version, offers=tuple(offer or ()), category=tuple(category or ()), channels=tuple(channel or ())
        ),
        as_of=as_of.replace(tzinfo=as_of.tzinfo or UTC),
        salt=salt,
        columns=version.columns,
        consents=known.consents if (known := catalogue("customers")) else {},
    )
    limits = Limits(settings.memory_limit, settings.selection_seconds)
    began = time.perf_counter()
    frozen = _selected(dataset, version, selection, limits, out, place)
    result = _as_object(frozen, time.perf_counter() - began)
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False))
    else:
        _print(result)


@app.command()
def verify(snapshot: Annotated[Path, typer.Argument(help="Folder with list.parquet and manifest.json.")]) -> None:
    """Check a frozen list against its manifest, byte by byte."""
    try:
        manifest = verify_folder(snapshot)
    except FileNotFoundError as error:
        raise InvalidFile([Problem(code="D114", message=f"{snapshot} holds no snapshot")]) from error
    typer.echo(f"intact: {manifest.rows:,} customers as of {manifest.as_of}, digest {manifest.digest}")


@app.command("why")
def why_(
    snapshot: Annotated[Path, typer.Argument(help="Folder with list.parquet and manifest.json.")],
    customer: Annotated[str, typer.Argument(help="The whole id of the customer, or of their phone.")],
    *,
    data: Annotated[Path | None, typer.Option(help="Folder of the dataset; by default that of the settings.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say why a customer is in a frozen list or out of it, by the rules and files that were used."""
    settings = Settings()
    try:
        frozen = open_frozen(snapshot.resolve())
    except FileNotFoundError as error:
        raise InvalidFile([Problem(code="D114", message=f"{snapshot} holds no snapshot")]) from error
    limits = Limits(settings.memory_limit, settings.selection_seconds)
    found = why(dataset_of(settings, data), frozen.folder, of_frozen(frozen), customer, limits=limits)
    if as_json:
        typer.echo(msgspec.json.encode(found, enc_hook=BaseModel.model_dump).decode())
    else:
        _print_why(found)


def _print_why(found: Why) -> None:
    typer.echo(f"{found.customer}: {found.outcome}" + (f" in cell {found.cell}" if found.cell else ""))
    for one in found.removals:
        typer.echo(f"removed by {one.name} ({one.label.en})")
        for row in one.shown:
            typer.echo("  " + ", ".join(f"{name} {value}" for name, value in row.values.items()))
    if found.kept:
        typer.echo(f"  of this household {found.kept} stays")
    if found.draw and not found.removals:
        typer.echo(f"draw {found.draw}, the control group is below {found.threshold}")
    for part, holds in found.parts:
        typer.echo(f"{'  ' * part.depth}source {part.kind} {part.text}".rstrip() + f": {'yes' if holds else 'no'}")
    if not found.agrees:
        typer.echo("The frozen list says something else: verify it with `countersign audience verify`.")


def _plan(file: Path, version: Version) -> AudiencePlan:
    """The section, or InvalidDefinition with every problem at its line and column."""
    if not file.is_file():
        raise InvalidFile([Problem(code="D114", message=f"there is no file {file}")])
    document = read(file.read_text(encoding="utf-8"))
    section = document.value.get("audience") if isinstance(document.value, dict) else None
    problems = list(document.problems)
    if section is None and not problems:
        problems = [Problem(code="E110", message="audience is missing", line=1, column=1)]
    if problems:
        raise InvalidDefinition([_in_file(problem, file) for problem in problems])
    try:
        plan = AudiencePlan.model_validate(section)
    except ValidationError as error:
        wrong = [_shape_problem(document, one["loc"], one["msg"], file) for one in error.errors()]
        raise InvalidDefinition(wrong) from error
    wrong = []
    scope = Scope({"c": customer_type(_fields(version))})
    rules = [(path, text, BOOL) for path, text in plan.expressions()]
    for path, text, gives in (*rules, *((path, text, None) for path, text in plan.values())):
        try:
            compile_expression(text, scope, gives=gives)
        except InvalidExpression as error:
            wrong += [_placed(document, path, problem, file) for problem in error.problems]
    tables = readable_tables(_fields(version), frozenset(version.tables), version.columns)
    for path, text in plan.statements():
        checked = check_sql(text, tables)
        if not isinstance(checked, CheckedSql):
            wrong += [_placed(document, path, problem, file) for problem in checked]
    if wrong:
        raise InvalidDefinition(wrong)
    return plan


def _with_groups(plan: AudiencePlan) -> AudiencePlan:
    """The plan with the newest versions of the customer groups that it names; without such no database is opened, and a
    trial changes none."""
    if not any(plan.groups()):
        return plan
    with application_as_it_is() as opened, opened.db.read() as tx:
        return group_pins.with_groups(tx, plan, {})


def _fields(version: Version) -> dict[str, str]:
    if "customers" not in version.tables:
        hint = "import them with `countersign data import customers FILE --key COLUMN`"
        raise InvalidFile([Problem(code="D102", message="the dataset has no customers yet", hint=hint)])
    return {column.name: column.type for column in version.tables["customers"].columns}


def _shape_problem(document: Document, loc: tuple[int | str, ...], message: str, file: Path) -> Problem:
    """At the deepest part of the location that the file has; the others are names of kinds."""
    value: Any = document.value["audience"]
    path: list[str | int] = ["audience"]
    for part in loc:
        inner = dict(enumerate(value)) if isinstance(value, list) else value
        if isinstance(inner, dict) and part in inner:
            path.append(part)
            value = inner[part]
    place = document.place(tuple(path))
    return Problem("E112", message, at=".".join(map(str, path)), line=place.line, column=place.column, file=str(file))


def _placed(document: Document, path: tuple[str | int, ...], problem: Problem, file: Path) -> Problem:
    place = document.place(("audience", *path))
    line, column = place.line, place.column
    if "offset" in problem.fields:  # within a text: where that sign stands in the file
        line, column = place.of_sign(document.source, problem.fields["offset"])
    return Problem(problem.code, problem.message, problem.hint, line=line, column=column, file=str(file))


def _in_file(problem: Problem, file: Path) -> Problem:
    return Problem(problem.code, problem.message, problem.hint, problem.at, problem.line, problem.column, str(file))


def _selected(  # noqa: PLR0917
    dataset: Dataset,
    version: Version,
    selection: Selection,
    limits: Limits,
    out: Path | None,
    place: Place | None,
) -> Frozen:
    where = f"on {place.name}" if place else f"from {version.tables['customers'].rows:,} customers"
    with tempfile.TemporaryDirectory(prefix="countersign-") as scratch:
        with waiting(f"selecting {where}"):
            frozen, _ = freeze(
                dataset,
                version,
                selection,
                Path(scratch) / "trial",
                besides=lambda folder: from_history(dataset, version, selection, folder),
                limits=limits,
                selecting=place.select if place else select,
            )
        if out is not None:
            _write(frozen, out)
    return frozen


def _write(frozen: Frozen, out: Path) -> None:
    if not out.parent.is_dir():
        raise InvalidFile([Problem(code="D114", message=f"there is no folder {out.parent}")])
    if out.suffix == ".csv":
        duckdb.read_parquet(str(frozen.folder / LIST)).write_csv(str(out))
    else:
        shutil.copyfile(frozen.folder / LIST, out)


def _as_object(frozen: Frozen, seconds: float) -> dict[str, Any]:
    manifest = frozen.manifest
    return {
        "waterfall": [
            {"name": row.name, "in": row.entered, "removed": row.removed, "out": row.out, "alone": row.alone}
            for row in manifest.waterfall
        ],
        "cells": {cell: {"target": target, "control": control} for cell, (target, control) in manifest.cells.items()},
        "target": manifest.target,
        "control": manifest.control,
        "digest": manifest.digest,
        "as_of": manifest.as_of,
        "seconds": round(seconds, 3),
    }


def _print(result: dict[str, Any]) -> None:
    console = Console()
    table = Table("step", "in", "removed", "out", "alone", title="Waterfall 剔除漏斗", title_justify="left", box=None)
    for row in result["waterfall"]:
        table.add_row(row["name"], *(f"{row[name]:,}" for name in ("in", "removed", "out", "alone")))
    console.print(table)
    for cell, arms in result["cells"].items():
        console.print(f"cell {cell}: target {arms['target']:,}, control {arms['control']:,}", highlight=False)
    console.print(f"digest {result['digest']}  ({result['seconds']} s)", highlight=False)
