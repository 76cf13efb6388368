"""`countersign facts`: the facts beside the ledger, which dashboards and metrics read."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from engine.cli.opening import application

app = typer.Typer(no_args_is_help=True)


@app.callback()
def facts() -> None:
    """Keep the facts that dashboards and metrics are counted over."""


@app.command()
def refresh(
    *,
    whole: Annotated[bool, typer.Option("--all", help="Everything anew, not only what changed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Take what changed since the last time. `countersign up` does so every five minutes."""
    from engine.service import facts as keeping  # noqa: PLC0415  as the service itself: loaded when it is needed

    with application() as opened:
        done = keeping.refresh(opened, whole=whole)
    if as_json:
        typer.echo(json.dumps({**asdict(done), "as_of": done.as_of.isoformat()}))
        return
    typer.echo(
        f"{done.deliveries:,} deliveries, {done.responses:,} responses, {done.cases:,} cases,"
        f" {done.recommendations:,} recommendations, {done.targets:,} targets, {done.effects:,} evaluations"
        f" taken in {done.seconds:.1f} s; as of {done.as_of.isoformat()}"
    )
