"""`countersign policy`: the contact policy. The operator proposes, an administrator confirms, or vice versa."""

from pathlib import Path
from typing import Annotated

import typer
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from engine.cli.confirming import add_decisions
from engine.cli.opening import application
from engine.errors import InvalidFile, Problem
from engine.service import policies
from engine.service.recording import OPERATOR

app = typer.Typer(no_args_is_help=True)
SECTIONS = "caps, similar, capacity, capacity_each, exempt"
File = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help=f"YAML: {SECTIONS}.")]


@app.callback()
def policy() -> None:
    """How often a customer may be contacted."""


@app.command()
def show() -> None:
    """All versions, the newest first."""
    with application() as opened:
        view = policies.show(opened, OPERATOR)
    if not view.versions:
        typer.echo("No contact policy was ever proposed: nobody is capped.")
    for one in view.versions:
        since = f" since {one.since.isoformat(timespec='minutes')}" if one.since else ""
        typer.echo(f"version {one.version}: {one.state}{since}, by {one.proposed_by}: {one.reason}")
        for line in one.lines:
            typer.echo(f"  {line.en}")
    for carried in view.carried:
        typer.echo(f"today by {carried.channel}: {carried.used:,} of {carried.most:,}")
    for by in view.carried_by:
        typer.echo(f"today for {by.kind} {by.name}: {by.used:,} of {by.most:,}")


@app.command()
def propose(file: File, *, reason: Annotated[str, typer.Option(help="Why.")]) -> None:
    """Propose the policy in FILE; it holds once an administrator confirms it on the page."""
    try:
        said = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise InvalidFile([Problem("D170", f"is no YAML: {str(error).splitlines()[0]}", at=file.name)]) from error
    if said is not None and not isinstance(said, dict):
        raise InvalidFile([Problem("D171", "is no contact policy", f"write {SECTIONS}", file.name)])
    with application() as opened:
        policies.propose(opened, OPERATOR, said or {}, reason=reason)
    typer.echo("Proposed. An administrator confirms it on the page Contact policy.")


add_decisions(app, policies.decide)
