"""`countersign costs`: what messages cost. The operator proposes a table, a second person confirms it, or both ways."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from engine.cli.confirming import add_decisions
from engine.cli.opening import application
from engine.service import costs, sheets
from engine.service.recording import OPERATOR

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """What messages cost, by channel, provider and day."""


@app.command()
def show() -> None:
    """The prices in force, the days without one, and all versions."""
    with application() as opened:
        view = costs.show(opened, OPERATOR)
    if not view.versions:
        typer.echo("There is no cost table: cases cost what their definitions say.")
        return
    if view.current:
        prices = Table("for", "provider", f"price in {view.current.currency}", "per", "charged", "days", box=None)
        for one in view.current.prices:
            days = f"{one.since} – {one.until or '…'}"
            prices.add_row(one.channel or "case", one.provider, f"{one.price:f}", one.unit, one.charged, days)
        Console().print(prices)
        for gap in view.current.gaps:
            typer.echo(f"no price for {gap.channel or 'the case'} per {gap.unit} from {gap.since} to {gap.until}")
    for version in view.versions:
        since = f" since {version.since.isoformat(timespec='minutes')}" if version.since else ""
        typer.echo(f"version {version.version}: {version.state}{since}, by {version.proposed_by}: {version.reason}")


@app.command()
def propose(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX as `export` writes it.", exists=True, dir_okay=False)],
    *,
    reason: Annotated[str, typer.Option(help="Why.")],
) -> None:
    """Propose the table in FILE, whole. One wrong line, and nothing is proposed."""
    with application() as opened:
        count = costs.propose(opened, OPERATOR, file.read_bytes(), file.name, reason=reason)
    typer.echo(f"Proposed {count} prices. Finance or an administrator confirms them on the page Cost table.")


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to; its name ends in .csv or .xlsx.")],
    version: Annotated[int, typer.Option(help="A version; by default the one in force.")] = 0,
) -> None:
    """The table as a file that can be proposed again."""
    form: sheets.Format = "xlsx" if file.suffix == ".xlsx" else "csv"
    with application() as opened:
        file.write_bytes(costs.export(opened, OPERATOR, form, version))


add_decisions(app, costs.decide)
