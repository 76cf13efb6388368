"""`countersign people stand-in`: who decides for whom, from when to when."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from engine.errors import InvalidForm, Problem
from engine.organisation import StandIn
from engine.service import reorganising, standins
from engine.service.app import Countersign
from engine.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.command()
def add(  # noqa: PLR0917  the options of a command
    person: Annotated[str, typer.Argument(help="Who is away (sign-in name).")],
    by: Annotated[str, typer.Argument(help="Who decides for them.")],
    first: Annotated[str, typer.Option("--from", help="First day, as 2026-12-01.")],
    last: Annotated[str, typer.Option("--to", help="Last day, it included.")],
    definition: Annotated[list[str] | None, typer.Option(help="Only this kind of case; may be repeated.")] = None,
    budget: Annotated[str, typer.Option(help="Only cases whose budget is at most this.")] = "",
) -> None:
    """Let somebody decide for a person who is away."""
    opened = Countersign.open(Settings())
    try:
        opened.db.migrate()
        zone = opened.settings.zone
        one = StandIn(
            person=person,
            by=by,
            starts=datetime.combine(_day(first, "from"), time(), zone),
            ends=datetime.combine(_day(last, "to") + timedelta(days=1), time(), zone),
            definitions=tuple(definition or ()),
            field="budget" if budget else "",
            limit=_amount(budget) if budget else None,
        )
        number = standins.add(opened, None, one)
        reorganising.resolve_open(opened)
    finally:
        opened.close()
    Console(highlight=False).print(f"{by} stands in for {person} from {first} to {last} (number {number}).")


@app.command("list")
def list_() -> None:
    """Every stand-in, those that are over too."""
    opened = Countersign.open(Settings())
    try:
        opened.db.migrate()
        rows = standins.listed(opened, None)
        zone = opened.settings.zone
    finally:
        opened.close()
    table = Table("number", "for", "by", "from", "until", "cases", "budget", "state")
    for row in rows:
        times = (f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in (row.starts, row.ends))
        kinds, budget = ", ".join(row.definitions) or "all", "" if row.budget is None else f"<= {row.budget}"
        table.add_row(str(row.id), row.person, row.by, *times, kinds, budget, row.state)
    Console(highlight=False).print(table)


@app.command()
def end(number: Annotated[int, typer.Argument(help="The number of the stand-in.")]) -> None:
    """End a stand-in now: the next decision under it is refused."""
    opened = Countersign.open(Settings())
    try:
        opened.db.migrate()
        standins.end(opened, None, number)
        reorganising.resolve_open(opened)
    finally:
        opened.close()
    Console(highlight=False).print(f"Stand-in {number} has ended.")


def _day(text: str, at: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidForm([Problem("day", f"not a day: {text}", "write 2026-12-01", at=at)]) from None


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
        if not amount.is_finite() or amount < 0:
            raise InvalidOperation
        return amount
    except InvalidOperation:
        raise InvalidForm([Problem("amount", f"not an amount: {text}", "write 50000", at="budget")]) from None
