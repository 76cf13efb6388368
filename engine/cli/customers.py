"""`countersign customers`: erasure on request. The operator asks, an administrator confirms, or vice versa."""

from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from engine.cli.opening import application
from engine.masking import masked
from engine.service import erasing
from engine.service.app import Countersign
from engine.service.recording import OPERATOR

app = typer.Typer(no_args_is_help=True)
Number = Annotated[int, typer.Argument(help="The number of the erasure.")]


@app.callback()
def customers() -> None:
    """Take customers out of everything, on request."""


@app.command()
def erase(
    customer: Annotated[str, typer.Argument(metavar="ID", help="The whole number of the customer, or of their phone.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; stays, so without the number.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the number once more.")] = False,
) -> None:
    """Ask for the erasure of a customer; it is carried out once an administrator confirms it on the page."""
    with application() as opened:
        for name, rows in erasing.looked_for(opened, OPERATOR, customer).items():
            typer.echo(f"{masked(customer)} stands in {name.replace('_', ' ')}: {rows:,}")
        typed = customer if yes else typer.prompt("All of it goes for good. The customer's whole number once more")
        number = erasing.ask(opened, OPERATOR, customer=customer, typed=typed, reason=reason)
    typer.echo(f"Erasure {number} waits. An administrator confirms it on the page Erasures.")


@app.command()
def confirm(number: Number) -> None:
    """Confirm what an administrator asked for: the customer is erased now, and for good."""
    with application() as opened:
        erasing.decide(opened, OPERATOR, number, confirm=True)
        erasing.go_on(opened, OPERATOR, number)
        _say(opened, number)


@app.command()
def refuse(number: Number) -> None:
    """Refuse or take back what waits; nothing changes."""
    with application() as opened:
        erasing.decide(opened, OPERATOR, number, confirm=False)
    typer.echo(f"Erasure {number} is refused.")


@app.command("continue")
def continue_(number: Number) -> None:
    """Go on with a confirmed erasure that was cut off, or that had to wait."""
    with application() as opened:
        erasing.go_on(opened, OPERATOR, number)
        _say(opened, number)


@app.command()
def again() -> None:
    """Erase once more whom a restored backup brought back; run it after every restore, before anything is started."""
    with application() as opened:
        count = erasing.again(opened, OPERATOR)
    typer.echo(f"Erased once more: {count}." if count else "Nobody who was erased is back.")


@app.command()
def erasures() -> None:
    """List erasures, the newest first."""
    with application() as opened:
        found = erasing.listed(opened, OPERATOR)
    table = Table("number", "state", "asked by", "decided by", "finished", "rows", "reason", box=None)
    for one in found:
        finished = one.finished_at.isoformat(timespec="minutes") if one.finished_at else ""
        table.add_row(str(one.number), one.state, one.asked_by, one.decided_by, finished, f"{one.rows:,}", one.reason)
    Console().print(table)


@app.command()
def certificate(number: Number) -> None:
    """Print the certificate of an erasure as JSON."""
    with application() as opened:
        one, found = erasing.certificate(opened, OPERATOR, number)
    told = {"erasure": one, "files": found.files, "tables": found.tables, "entries": len(found.entries)}
    typer.echo(msgspec.json.format(msgspec.json.encode(told), indent=1).decode())


def _say(opened: Countersign, number: int) -> None:
    one = erasing.view(opened, OPERATOR, number)
    if one.state == "done":
        typer.echo(
            f"Erasure {number} is done: {one.rows:,} rows. The certificate: countersign customers certificate {number}"
        )
    else:
        typer.echo(
            f"Erasure {number} is not finished: something under way may still have the customer. Nobody messages them"
            f" any more, and the flows go on with it; or run: countersign customers continue {number}"
        )
