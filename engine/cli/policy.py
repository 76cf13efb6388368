"""`countersign policy`: the contact policy. The operator proposes, an administrator confirms, or vice versa."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from engine.errors import InvalidFile, Problem
from engine.service import policies
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.settings import Settings

app = typer.Typer(no_args_is_help=True)
File = Annotated[
    Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="YAML: caps, similar, capacity, exempt.")
]


@app.callback()
def policy() -> None:
    """How often a customer may be contacted."""


@app.command()
def show() -> None:
    """All versions, the newest first."""
    with _opened() as opened:
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


@app.command()
def propose(file: File, *, reason: Annotated[str, typer.Option(help="Why.")]) -> None:
    """Propose the policy in FILE; it holds once an administrator confirms it on the page."""
    try:
        said = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise InvalidFile([Problem("D170", f"is no YAML: {str(error).splitlines()[0]}", at=file.name)]) from error
    if said is not None and not isinstance(said, dict):
        raise InvalidFile([Problem("D171", "is no contact policy", "write caps, similar, capacity, exempt", file.name)])
    with _opened() as opened:
        policies.propose(opened, OPERATOR, said or {}, reason=reason)
    typer.echo("Proposed. An administrator confirms it on the page Contact policy.")


@app.command()
def confirm(version: Annotated[int, typer.Argument(help="The version that an administrator proposed.")]) -> None:
    """Confirm what an administrator proposed; it holds from now on."""
    with _opened() as opened:
        policies.decide(opened, OPERATOR, version, confirm=True)
    typer.echo(f"Version {version} is in force.")


@app.command()
def refuse(version: Annotated[int, typer.Argument(help="The version that waits.")]) -> None:
    """Refuse or take back what waits; nothing changes."""
    with _opened() as opened:
        policies.decide(opened, OPERATOR, version, confirm=False)
    typer.echo(f"Version {version} is refused.")


@contextmanager
def _opened() -> Iterator[Countersign]:
    opened = Countersign.open(Settings())
    try:
        opened.db.migrate()
        yield opened
    finally:
        opened.close()
