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

from engine import clock
from engine.audience.compile import Selection, Subject, compile_audience, customer_type, readable_tables
from engine.audience.plan import AudiencePlan
from engine.audience.sources import Group, Rule
from engine.audience.sql import CheckedSql, check_sql
from engine.audience.tally import walked
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
from engine.service.whereabouts import addresses
from engine.settings import Settings
from engine.warehouse.dataset import Version
from engine.warehouse.earlier import from_history
from engine.warehouse.freeze import LIST, Frozen, freeze, open_frozen
from engine.warehouse.freeze import verify as verify_folder
from engine.warehouse.places import CustomerBase, base_of, place_of
from engine.warehouse.remains import read_remains
from engine.warehouse.run import Limits
from engine.warehouse.subjects import subject_of
from engine.warehouse.why import Why, of_frozen

ON = "The server or cluster with the customers, CONNECTION or CONNECTION:SCHEMA; by default COUNTERSIGN_CUSTOMERS."
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
    on: Annotated[str, typer.Option(help=ON)] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Select the customers of FILE's audience and print the waterfall."""
    settings = Settings()
    base = _base(settings, data, on)
    dataset, version = base.dataset, base.version
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
    frozen = _selected(base, selection, limits, out)
    result = _as_object(frozen, time.perf_counter() - began)
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False))
    else:
        _print(result)


@app.command()
def count(
    rule: Annotated[str, typer.Argument(help='A rule over the customers, as "c.arpu >= 38".')] = "",
    *,
    group: Annotated[str, typer.Option(help="A saved customer group instead, as vip or vip@3.")] = "",
    file: Annotated[Path | None, typer.Option(help="YAML with an `audience:` section, of which the source.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the dataset; by default that of the settings.")] = None,
    on: Annotated[str, typer.Option(help=ON)] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Count the customers of a rule, a group or a plan now, part by part; exclusions are not in it."""
    if sum(map(bool, (rule, group, file))) != 1:
        raise typer.BadParameter("name one of them: a rule, --group or --file", param_hint="RULE")
    settings = Settings()
    base = _base(settings, data, on)
    fields = _fields(base.version)
    whole = _plan(file, base.version) if file else AudiencePlan(source=Rule(rule=rule or "true"))
    source = Group(group=group) if group else whole.source
    selection = compile_audience(
        _with_groups(AudiencePlan(source=Rule(rule="true")).model_copy(update={"source": source})),
        fields=fields,
        tables=frozenset(base.version.tables),
        subject=Subject(),
        as_of=clock.now(),
        salt="count",
        columns=base.version.columns,
        measured=(),
    )
    base.dataset.folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix=".count-", dir=base.dataset.folder) as scratch:
        folder = Path(scratch)
        beside = from_history(base.dataset, base.own, selection, folder)
        limits = Limits(settings.memory_limit, settings.selection_seconds)
        numbers = base.count(selection, folder, beside=beside, limits=limits)
    _print_count(selection, numbers, time.perf_counter() - began, as_json=as_json)


def _print_count(selection: Selection, numbers: tuple[int, ...], seconds: float, *, as_json: bool) -> None:
    assert selection.questions is not None
    parts = list(zip(selection.questions.parts, walked(numbers), strict=True))
    if as_json:
        told = [
            {"depth": part.depth, "kind": part.kind, "text": part.text, "customers": own, "after": after}
            for part, (own, after) in parts
        ]
        counted = {"everybody": numbers[0], "customers": parts[0][1][0], "parts": told, "seconds": round(seconds, 3)}
        typer.echo(json.dumps(counted, ensure_ascii=False))
        return
    for part, (own, _) in parts:
        typer.echo(f"{own:>13,}  {'  ' * part.depth}{part.kind} {part.text}".rstrip())
    typer.echo(f"{numbers[0]:>13,}  customers in all ({seconds:.3f} s)")


@app.command()
def verify(snapshot: Annotated[Path, typer.Argument(help="Folder with list.parquet and manifest.json.")]) -> None:
    """Check a frozen list against its manifest, byte by byte."""
    try:
        manifest = verify_folder(snapshot)
    except FileNotFoundError as error:
        raise InvalidFile([Problem(code="D114", message=f"{snapshot} holds no snapshot")]) from error
    typer.echo(f"intact: {manifest.rows:,} customers as of {manifest.as_of}, digest {manifest.digest}")
    for one in manifest.inputs:
        if not one.sha256:
            typer.echo(f"not looked at again: {one.path}, {one.rows:,} rows then; a server keeps no earlier versions")
    remains = read_remains(snapshot)
    if remains is not None and remains.erased:
        numbers = ", ".join(map(str, remains.certificates))
        told = f"{remains.erased:,} of them were erased since (certificate {numbers}); what remains has the digest"
        typer.echo(f"{told} {remains.digest}")


@app.command("why")
def why_(
    snapshot: Annotated[Path, typer.Argument(help="Folder with list.parquet and manifest.json.")],
    customer: Annotated[str, typer.Argument(help="The whole id of the customer, or of their phone.")],
    *,
    data: Annotated[Path | None, typer.Option(help="Folder of the dataset; by default that of the settings.")] = None,
    on: Annotated[str, typer.Option(help=ON)] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say why a customer is in a frozen list or out of it, by the rules and files that were used."""
    settings = Settings()
    try:
        frozen = open_frozen(snapshot.resolve())
    except FileNotFoundError as error:
        raise InvalidFile([Problem(code="D114", message=f"{snapshot} holds no snapshot")]) from error
    limits = Limits(settings.memory_limit, settings.selection_seconds)
    rules = of_frozen(frozen)
    base = _base(settings, data, on) if rules.place else base_of(dataset_of(settings, data), None)
    found = base.why(frozen.folder, rules, customer, limits=limits)
    if as_json:
        typer.echo(msgspec.json.encode(found, enc_hook=BaseModel.model_dump).decode())
    else:
        _print_why(found)


def _base(settings: Settings, data: Path | None, on: str) -> CustomerBase:
    """The customers that a command is about: a folder that it names goes before the setting."""
    named = on or ("" if data else settings.customers)
    place = place_of(named, settings.connections) if named else None
    return base_of(dataset_of(settings, data), place, addresses())


def _print_why(found: Why) -> None:
    offered = f" with the offer {found.offers[found.cell]}" if found.cell in found.offers else ""
    typer.echo(f"{found.customer}: {found.outcome}" + (f" in cell {found.cell}{offered}" if found.cell else ""))
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


def _selected(base: CustomerBase, selection: Selection, limits: Limits, out: Path | None) -> Frozen:
    dataset = base.dataset
    where = f"on {base.place.name}" if base.place else f"from {base.version.tables['customers'].rows:,} customers"
    with tempfile.TemporaryDirectory(prefix="countersign-") as scratch:
        with waiting(f"selecting {where}"):
            frozen, _ = freeze(
                dataset,
                base.version,
                selection,
                Path(scratch) / "trial",
                besides=lambda folder: from_history(dataset, base.own, selection, folder),
                limits=limits,
                selecting=base.selecting,
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
