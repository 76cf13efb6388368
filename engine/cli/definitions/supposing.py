"""`countersign definitions what-if`: a version tried on the history of the cases there are."""

import dataclasses
from pathlib import Path
from typing import Annotated

import orjson
import typer

from engine.cli.definitions.files import loaded
from engine.cli.definitions.publishing import acting
from engine.service.app import Countersign
from engine.service.what_if import Comparison, what_if


def suppose(
    file: Annotated[Path, typer.Argument(help="The new version (YAML)", show_default=False)],
    *,
    by: Annotated[str, typer.Option("--as", help="Who asks: a person who may write definitions")],
    since: Annotated[int | None, typer.Option("--from", help="Only cases at this version")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array with a comparison per case")] = False,
) -> None:
    """Tell which of the cases so far would have gone otherwise under FILE. Changes nothing."""
    definition = loaded(file)
    app = Countersign.open()
    try:
        compared = what_if(app, acting(app, by), definition, since=since)
    finally:
        app.close()
    if as_json:
        typer.echo(orjson.dumps([dataclasses.asdict(one) for one in compared], option=orjson.OPT_INDENT_2))
        return
    different = [one for one in compared if one.differs]
    for one in different:
        for line in _lines(one):
            typer.echo(line)
    typer.echo(f"{len(different)} of {len(compared)} cases would have gone otherwise", err=True)


def _lines(one: Comparison) -> list[str]:
    before, after = one.before, one.after
    lines = [f"{one.number or one.case_id} (version {one.version})"]
    if before.route != after.route:
        lines.append(f"    chain {after.route or 'none'} instead of {before.route or 'none'}")
    if one.asked_as_well:
        lines.append(f"    asks as well: {_seats(one.asked_as_well)}")
    if one.no_longer_asked:
        lines.append(f"    no longer asks: {_seats(one.no_longer_asked)}")
    if before.state != after.state:
        lines.append(f"    would be {after.state} instead of {before.state}")
    if after.waiting and before.waiting != after.waiting:
        lines.append(f"    would wait for {_seats(after.waiting)}")
    if after.refused is not None and before.refused != after.refused:
        lines.append(f"    entry {after.refused.seq} ({after.refused.command}) would be refused: {after.refused.why}")
    return lines


def _seats(seats: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{step} ({person})" for step, person in seats)
