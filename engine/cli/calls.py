"""`countersign calls`: results of a call centre in, call lists out."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.opening import application
from engine.service import call_files, call_lists
from engine.service.recording import OPERATOR

app = typer.Typer(no_args_is_help=True)
NAMED = 20


@app.callback()
def calls() -> None:
    """Outbound calls."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX, one row per attempt.", exists=True, dir_okay=False)],
) -> None:
    """Take in results of calls. Good rows count, the others are named; the same file again changes nothing."""
    with application() as opened:
        report = call_files.load(opened, OPERATOR, file.read_bytes(), file.name)
    typer.echo(f"{report.rows:,} rows: {report.recorded:,} new results, {report.known:,} known already.")
    for what, rows in (("left out", report.bad), ("set aside for a person to look at", report.parked)):
        if rows:
            typer.echo(f"{len(rows):,} {what}:")
            for row in rows[:NAMED]:
                typer.echo(f"  {row}")
            if len(rows) > NAMED:
                typer.echo(f"  and {len(rows) - NAMED:,} more")
    if report.bad:
        raise typer.Exit(1)


@app.command()
def export(
    case: Annotated[str, typer.Argument(help="The number or id of the case.")],
    file: Annotated[Path, typer.Argument(help="Where to; a CSV file.")],
    *,
    person: Annotated[str, typer.Option("--for", help="Only what is assigned to this account.")] = "",
    reason: Annotated[str, typer.Option(help="Why the numbers are needed in full; recorded.")] = "",
) -> None:
    """Write the open calls of CASE, masked, or those of one person with their numbers for a reason; those are out then,
    and nobody takes them here until their results come or take-back."""
    with application() as opened:
        made = call_lists.export(opened, OPERATOR, case, person=person, reason=reason)
    file.write_bytes(made.data)
    typer.echo(f"{made.rows:,} customers in {file}, sha256 {made.sha256}")
    if reason.strip():
        typer.echo(f"{made.rows:,} calls are out: nobody takes them here until their results come, or take-back.")


@app.command("show")
def show(case: Annotated[str, typer.Argument(help="The number or id of the case.")]) -> None:
    """How far the call list of CASE is, and who has what of it, here or in a file."""
    with application() as opened:
        view = call_lists.view(opened, OPERATOR, case)
        zone = opened.settings.zone
    typer.echo(
        f"{view.audience - view.open:,} of {view.audience:,} customers are done with, {view.due:,} are due here."
    )
    for one in view.callers:
        line = f"  {one.person or 'whoever takes them'}: {one.open:,} open, {one.due:,} due, {one.made:,} made"
        if one.out and one.out_at:
            line += f", {one.out:,} out in a file since {one.out_at.astimezone(zone):%Y-%m-%d %H:%M} by {one.out_by}"
        typer.echo(line)


@app.command("take-back")
def take_back(
    case: Annotated[str, typer.Argument(help="The number or id of the case.")],
    person: Annotated[str, typer.Argument(help="The account whose open calls come back.")],
    *,
    to: Annotated[
        str, typer.Option(help="The account that gets them; the same one keeps them, nobody by default.")
    ] = "",
) -> None:
    """Take back what is open for PERSON, also what is out in a file or before them."""
    with application() as opened:
        moved = call_lists.take_back(opened, OPERATOR, case, person=person, to=to)
    typer.echo(f"{moved:,} calls came back.")
