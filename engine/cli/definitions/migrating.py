"""`countersign definitions migrate`: running cases move to another version, after a dry run that names every case."""

import dataclasses
from typing import Annotated

import orjson
import typer

from engine.cli.definitions.publishing import acting
from engine.cli.progress import counting
from engine.service import migrating
from engine.service.app import Countersign
from engine.service.migrating import Move


def migrate(
    name: Annotated[str, typer.Argument(help="Name of the definition", show_default=False)],
    *,
    to: Annotated[int, typer.Option("--to", help="The published version to move to; an older one moves back")],
    by: Annotated[str, typer.Option("--as", help="Who does it: a person who may write definitions")],
    since: Annotated[int | None, typer.Option("--from", help="Only cases at this version")] = None,
    only: Annotated[str, typer.Option("--only", help="Only these cases: ids or numbers, with commas between")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would happen, and change nothing")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array with a move per case")] = False,
) -> None:
    """Move running cases to another version. Cases that cannot move stay, each with the reason; exit code 1 then."""
    chosen = tuple(one.strip() for one in only.split(",") if one.strip())
    app = Countersign.open()
    try:
        viewer = acting(app, by)
        with counting("moving cases") as heard:
            moves = migrating.migrate(app, viewer, name, to=to, since=since, only=chosen, dry_run=dry_run, heard=heard)
    finally:
        app.close()
    if as_json:
        typer.echo(orjson.dumps([dataclasses.asdict(move) for move in moves], option=orjson.OPT_INDENT_2))
    else:
        for move in moves:
            for line in _lines(move):
                typer.echo(line)
        stay = sum(bool(move.hindrances) for move in moves)
        told = "can move" if dry_run else "moved"
        typer.echo(f"{len(moves) - stay} {told}, {stay} stay", err=True)
    if any(move.hindrances for move in moves):
        raise typer.Exit(1)


def _lines(move: Move) -> list[str]:
    case = f"{move.number or move.case_id} ({move.state}, version {move.version})"
    if move.hindrances:
        return [f"{case}: stays", *(f"    {reason}" for reason in move.hindrances)]
    lines = [f"{case}: {'moved' if move.moved else 'can move'} to version {move.to}"]
    lines += [
        f"    step {step.name}: asks {_people(step.will_ask)} instead of {_people(step.asks)}"
        for step in move.steps
        if step.asks != step.will_ask
    ]
    if move.ahead != move.will_be_ahead:
        lines.append(f"    then: {_people(move.will_be_ahead)} instead of {_people(move.ahead)}")
    if move.would_take not in ("", move.route):
        lines.append(f"    keeps its chain {move.route}; submitted now it would take {move.would_take}")
    return lines


def _people(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nobody"
