"""`countersign budget`: what offices may spend in a year. The operator proposes and somebody else confirms, or the
other way round."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from engine.cli.opening import application
from engine.cli.progress import counting
from engine.service import budgets
from engine.service.recording import OPERATOR

app = typer.Typer(no_args_is_help=True)
Account = Annotated[str, typer.Argument(help="OFFICE:YEAR:CURRENCY, as 440111:2026:CNY.", show_default=False)]
Version = Annotated[int, typer.Argument(help="The version that waits, as `show` gives it.")]
SIDES = ("approved", "available", "reserved", "committed", "actual")


@app.callback()
def budget() -> None:
    """What offices may spend in a year on their cases."""


@app.command()
def show(account: Annotated[str, typer.Argument(help="One of them, with what its cases hold.")] = "") -> None:
    """All budgets with where their money is, and the amounts that wait; or one with its cases."""
    with application() as opened:
        if account:
            page = budgets.page(opened, OPERATOR, account)
            lines = [
                (one.number or one.id, one.reserved, one.committed, one.actual, one.released) for one in page.cases
            ]
            _table(("case", "reserved", "committed", "actual", "released"), lines)
            return
        view = budgets.listed(opened, OPERATOR)
    _table(("budget", *SIDES), [(one.key, *(getattr(one, side) for side in SIDES)) for one in view.budgets])
    for one in view.waits:
        typer.echo(f"{one.account} version {one.version}: {one.amount:,.2f} waits, proposed by {one.proposed_by}")


@app.command("set")
def propose(
    office: Annotated[str, typer.Argument(help="The code of the office.")],
    amount: Annotated[str, typer.Argument(help="For the whole year, in all: 500000 or 499999.50.")],
    *,
    year: Annotated[str, typer.Option(help="The year in which cases are submitted.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    currency: Annotated[str, typer.Option(help="CNY, USD, EUR or HKD.")] = "CNY",
) -> None:
    """Propose an amount; it holds once somebody confirms it on the page Budgets."""
    with application() as opened:
        key = budgets.propose(
            opened, OPERATOR, office=office, year=year, currency=currency, amount=amount, reason=reason
        )
    typer.echo(
        f"Proposed for {key}. Somebody who keeps its money, or an administrator, confirms it on the page Budgets."
    )


@app.command()
def confirm(account: Account, version: Version) -> None:
    """Confirm what somebody proposed on the page; it can be spent from now on."""
    with application() as opened:
        budgets.decide(opened, OPERATOR, account, version, confirm=True)
    typer.echo(f"Version {version} of {account} is in force.")


@app.command()
def refuse(account: Account, version: Version) -> None:
    """Refuse or take back what waits; nothing changes."""
    with application() as opened:
        budgets.decide(opened, OPERATOR, account, version, confirm=False)
    typer.echo(f"Version {version} of {account} is refused.")


@app.command()
def postings(account: Account) -> None:
    """The whole ledger of a budget, the newest line first."""
    with application() as opened:
        lines = budgets.postings(opened, OPERATOR, account)
    rows = [
        (str(one.id), one.at.isoformat(timespec="seconds"), one.occasion, one.side, one.amount, one.case, one.wave)
        for one in lines
    ]
    _table(("line", "at", "what", "side", "amount", "case", "wave"), rows)


@app.command()
def verify() -> None:
    """Check the ledger: every entry adds up to nothing, balances are what the lines say, and no case holds other than
    its state asks for. Ends with 1 where something is wrong."""
    with application() as opened, counting("cases") as told:
        broken = budgets.verify(opened, told)
    for one in broken:
        typer.echo(one)
    if broken:
        sys.exit(1)
    typer.echo("The ledger of all budgets is whole.")


def _table(headings: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> None:
    if not rows:
        typer.echo("There is none.")
        return
    table = Table(*headings, box=None)
    for row in rows:
        table.add_row(*(one if isinstance(one, str) else f"{one:,.2f}" for one in row))
    Console().print(table)
