"""`countersign arbitration`: which case gets the customers that several want."""

from typing import Annotated

import typer

from engine.cli.opening import application
from engine.errors import InvalidForm, Problem
from engine.service import arbitrating, arbitration_views, supposing
from engine.service.arbitration_parts import CaseName, LossView
from engine.service.arbitration_views import RunView
from engine.service.recording import OPERATOR
from engine.service.supposing import Wanted

app = typer.Typer(no_args_is_help=True)
Number = Annotated[int, typer.Argument(help="The number of the run.", min=0)]
Day = Annotated[str, typer.Option(metavar="YYYY-MM-DD")]
REASONS = {
    "priority": "it has the higher priority",
    "score": "its score is higher",
    "draw": "the draw among equals",
    "contacts": "their contacts are used up",
    "room": "the channel carries no more",
}


@app.callback()
def arbitration() -> None:
    """Which case gets the customers that several want."""


@app.command()
def run(
    *,
    since: Day = "",
    until: Day = "",
    base: Annotated[int, typer.Option(help="The run to compare with; its days are taken.")] = 0,
    priority: Annotated[list[str] | None, typer.Option(metavar="CASE=N", help="Suppose another priority.")] = None,
    cap: Annotated[
        list[str] | None, typer.Option(metavar="PLACE=N", help="Suppose another cap, 1 is the first.")
    ] = None,
    capacity: Annotated[list[str] | None, typer.Option(metavar="CHANNEL=N", help="Suppose another capacity.")] = None,
) -> None:
    """Run it over the submitted cases of the days from --since to --until; without them the seven from today on."""
    priorities = _pairs(priority, "priority")
    with application() as opened:
        wanted = Wanted(
            since,
            until,
            str(base or ""),
            priorities=supposing.by_id(opened, OPERATOR, priorities),
            caps={str(int(n) - 1): most for n, most in _pairs(cap, "cap").items() if n.isdecimal()},
            capacity=_pairs(capacity, "capacity"),
        )
        number = arbitrating.run(opened, OPERATOR, wanted, seconds=opened.settings.selection_seconds)
        _print(arbitration_views.show(opened, OPERATOR, number))


@app.command()
def show(number: Number = 0) -> None:
    """One run with what each case wanted and got, or all runs, the newest first."""
    with application() as opened:
        if number:
            _print(arbitration_views.show(opened, OPERATOR, number))
            return
        lines = arbitration_views.listed(opened, OPERATOR)
    for line in lines:
        state = f"committed by {line.committed_by}" if line.committed_at else "not committed"
        typer.echo(
            f"{line.number}: {line.since} to {line.until}, {line.cases} cases, {line.got:,} of {line.wanted:,}, {state}"
        )
    if not lines:
        typer.echo("No arbitration was run yet.")


@app.command()
def commit(number: Number) -> None:
    """Let a run hold: the next frozen list of each of its cases leaves out whom it lost."""
    with application() as opened:
        arbitrating.commit(opened, OPERATOR, number)
    typer.echo(f"Run {number} holds for its cases.")


def _print(view: RunView) -> None:
    line = view.line
    typer.echo(
        f"run {line.number}: {line.since} to {line.until}, policy version {view.policy_version}, digest {view.digest}"
    )
    for room in view.rooms:
        typer.echo(f"room by {room.channel}: {room.left:,} of {room.a_day:,} a day for {room.days} days")
    for one in view.outcomes:
        if one.failed:
            typer.echo(f"{_name(one.case)}: left out: {one.failed}")
            continue
        typer.echo(f"{_name(one.case)}, priority {one.priority}: got {one.got:,} of {one.wanted:,}")
        for loss in one.losses:
            typer.echo(f"  lost {loss.customers:,}{_to(loss)}: {REASONS[loss.lost_by]}")
    if view.is_stale:
        typer.echo("Cases or the policy changed since: it cannot be committed.")


def _to(loss: LossView) -> str:
    return f" to {_name(loss.winner)}" if loss.winner else ""


def _name(case: CaseName) -> str:
    return case.number or case.id


def _pairs(typed: list[str] | None, option: str) -> dict[str, str]:
    pairs = {}
    for one in typed or ():
        name, sign, value = one.partition("=")
        if not (name and sign and value):
            raise InvalidForm([Problem("D172", f"--{option} is written as NAME=NUMBER", at=option)])
        pairs[name.strip()] = value.strip()
    return pairs
