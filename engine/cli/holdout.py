"""`countersign holdout`: the global holdout. The operator proposes, an administrator confirms, or vice versa."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from engine.cli.confirming import add_decisions
from engine.cli.opening import application
from engine.service import holdouts
from engine.service.recording import OPERATOR

app = typer.Typer(no_args_is_help=True)


@app.callback()
def holdout() -> None:
    """The share of customers whom no case contacts."""


@app.command()
def show() -> None:
    """All versions, the newest first."""
    with application() as opened:
        versions = holdouts.versions(opened, OPERATOR)
    if not versions:
        typer.echo("No holdout was ever proposed: nobody is held out.")
        return
    table = Table("version", "share", "state", "proposed by", "decided by", "since", "reason", box=None)
    for one in versions:
        since = one.since.isoformat(timespec="minutes") if one.since else ""
        share = f"{one.share * 100:f}%"
        table.add_row(str(one.version), share, one.state, one.proposed_by, one.decided_by, since, one.reason)
    Console().print(table)


@app.command()
def propose(
    percent: Annotated[str, typer.Argument(help="The share in percent, as 5 or 2.5; 0 ends the holdout.")],
    *,
    reason: Annotated[str, typer.Option(help="Why.")],
    draw_anew: Annotated[bool, typer.Option("--draw-anew", help="Other customers than before.")] = False,
) -> None:
    """Propose a share; it holds once an administrator confirms it on the page."""
    with application() as opened:
        holdouts.propose(opened, OPERATOR, percent=percent, reason=reason, draw_anew=draw_anew)
    typer.echo("Proposed. An administrator confirms it on the page Global holdout.")


add_decisions(app, holdouts.decide)
