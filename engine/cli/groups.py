"""`countersign audience groups`: saved customer groups and the rule library. The operator saves for an owner."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from engine.cli.opening import application
from engine.errors import Invalid, InvalidFile, Problem
from engine.service import group_impact, group_yaml, groups
from engine.service.group_impact import Impact
from engine.service.group_yaml import GroupText
from engine.service.recording import OPERATOR

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The name of the group.")]
File = Annotated[Path, typer.Argument(help="YAML with `source:` and perhaps `tests:`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback()
def groups_() -> None:
    """Saved customer groups: sources with a name, an owner and versions."""


@app.command("list")
def list_() -> None:
    """All groups in their newest versions."""
    with application() as opened:
        listed = groups.listed(opened, None)
    if not listed:
        typer.echo("No customer group was saved yet.")
        return
    table = Table("name", "title", "version", "owner", "kind", "used by", "", box=None)
    for one in listed:
        uses = f"{one.uses.definitions} definitions, {one.uses.drafts} drafts, {one.uses.groups} groups"
        kind = "rule" if one.is_rule else "group"
        table.add_row(one.name, one.title, str(one.version), one.owner, kind, uses, "ended" if one.ended else "")
    Console().print(table)


@app.command()
def show(name: Name, *, version: Annotated[int | None, typer.Option(help="By default the newest.")] = None) -> None:
    """A version as the text that `save` takes."""
    with application() as opened:
        found = groups.find(opened, None, name, version)
    note = f": {found.note}" if found.note else ""
    typer.echo(f"# {found.title}, {found.name}@{found.version} by {found.by_name}{note}")
    typer.echo(group_yaml.written(found.source, found.tests), nl=False)


@app.command()
def impact(name: Name, file: File, *, as_json: AsJson = False) -> None:
    """What saving FILE as the next version would do; nothing is saved."""
    text = _read(file)
    with application() as opened, _at_lines(text, file):
        found = group_impact.impact(opened, OPERATOR, name=name, source=text.source, tests=text.tests)
    if as_json:
        typer.echo(msgspec.json.encode(found, enc_hook=str).decode())
    else:
        _print(found)


@app.command()
def save(
    name: Name,
    file: File,
    *,
    title: Annotated[str, typer.Option(help="What pages call it.")],
    base: Annotated[int | None, typer.Option(help="The version that was edited; leave it out for a new group.")] = None,
    note: Annotated[str, typer.Option(help="What is new.")] = "",
    owner: Annotated[str, typer.Option(help="The account that a new group belongs to.")] = "",
) -> None:
    """Save FILE as the next version of a group, or as its first."""
    text = _read(file)
    with application() as opened, _at_lines(text, file):
        saved = groups.save(
            opened,
            OPERATOR,
            name=name,
            title=title,
            source=text.source,
            tests=text.tests,
            note=note,
            base=base,
            owner=owner,
        )
    typer.echo(f"Version {saved.version} of {saved.name} is the newest.")


@app.command()
def end(name: Name, *, again: Annotated[bool, typer.Option("--again", help="Offer it again.")] = False) -> None:
    """Offer a group no more; cases that run keep it."""
    with application() as opened:
        groups.end(opened, OPERATOR, name, ended=not again)
    typer.echo(f"{name} is offered again." if again else f"{name} is offered no more.")


def _print(found: Impact) -> None:
    if found.failed:
        typer.echo(f"Nobody could be counted: {found.failed}")
    elif found.before is None:
        typer.echo(f"{found.after:,} of {found.universe:,} customers.")
    else:
        typer.echo(
            f"{found.before:,} customers now, {found.after:,} then, of {found.universe:,}: "
            f"{found.joined:,} join, {found.left:,} leave."
        )
    used = found.used_by
    for kind, names in (
        ("definitions", [f"{name}@{version}" for name, version, _ in used.definitions]),
        ("texts under work", [name or one for one, name in used.drafts]),
        ("groups", [name for name, _ in used.groups]),
    ):
        if names:
            typer.echo(f"used by {kind}: {', '.join(names)}")


def _read(file: Path) -> GroupText:
    if not file.is_file():
        raise InvalidFile([Problem(code="D114", message=f"there is no file {file}")])
    try:
        return group_yaml.parsed(file.read_text(encoding="utf-8"))
    except Invalid as error:
        raise InvalidFile(_in_file(error.problems, file)) from error


@contextmanager
def _at_lines(text: GroupText, file: Path) -> Iterator[None]:
    try:
        yield
    except Invalid as error:
        raise InvalidFile(_in_file(text.placed(error), file)) from error


def _in_file(problems: tuple[Problem, ...], file: Path) -> list[Problem]:
    return [replace(one, file=str(file)) if one.line else one for one in problems]
