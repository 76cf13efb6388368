"""`countersign definitions diff`: what a new version changes, in the words of the definition."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from engine.cli.definitions.files import counted, loaded
from engine.definition.diff import Change
from engine.definition.diff import diff as differences
from engine.definition.load import load
from engine.definition.model import Definition
from engine.errors import InvalidFile, NotFound, Problem
from engine.service import publishing
from engine.service.app import Countersign

_Version = Annotated[str, typer.Argument(help="A file, or NAME@VERSION of the case database", show_default=False)]


def diff(
    old: _Version,
    new: _Version,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object with the changes")] = False,
) -> None:
    """Tell what NEW changes, grouped by section. Lines with ! may change who approves. Exit code 0 either way."""
    before, after = definition_at(old), definition_at(new)
    changes = differences(before, after)
    if as_json:
        typer.echo(orjson.dumps(_as_object(before, after, changes), option=orjson.OPT_INDENT_2))
        return
    for line in lines_of(changes):
        typer.echo(line)
    if before.name != after.name:
        typer.echo(f"these are two definitions, {before.name} and {after.name}", err=True)
    typer.echo(summary(changes), err=True)


def lines_of(changes: tuple[Change, ...]) -> list[str]:
    """The changes under the names of their sections."""
    lines, section = [], ""
    for change in changes:
        if change.section != section:
            section = change.section
            lines.append(f"{section}:")
        lines.append(f"  {'!' if change.affects_approvers else ' '} {change.message}")
    return lines


def summary(changes: tuple[Change, ...]) -> str:
    """How many there are, and how many of them matter to who approves."""
    if not changes:
        return "no difference"
    marked = sum(change.affects_approvers for change in changes)
    return f"{counted(len(changes), 'change')}, {marked} of them may change who approves (!)"


def definition_at(place: str) -> Definition:
    """The definition in a file, or of the case database where `place` is NAME@VERSION."""
    name, at, version = place.rpartition("@")
    if not at or not version.isdecimal() or Path(place).exists():
        return loaded(Path(place))
    app = Countersign.open()
    try:
        return load(publishing.text_of(app, name, int(version)), place)
    except NotFound:
        message = f"the case database has no {name} version {version}"
        raise InvalidFile([Problem("E100", message, "`countersign definitions list` shows what there is")]) from None
    finally:
        app.close()


def _as_object(old: Definition, new: Definition, changes: tuple[Change, ...]) -> dict[str, Any]:
    return {
        **{
            side: {"name": one.name, "version": one.version, "fingerprint": one.fingerprint}
            for side, one in (("old", old), ("new", new))
        },
        "changes": [dataclasses.asdict(change) for change in changes],
    }
