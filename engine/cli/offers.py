"""`countersign offers`: the catalogue of offers and tariffs. The operator proposes, somebody else publishes."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from engine.cli.opening import application
from engine.offers.terms import FIELDS
from engine.service import offer_files, offers, sheets
from engine.service.recording import OPERATOR

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Offers and tariffs, with their versions."""


@app.command("list")
def list_(query: Annotated[str, typer.Argument(help="Words of code, name, family, tags.")] = "") -> None:
    """Of each code the version that holds, else the newest."""
    with application() as opened:
        rows = offers.listed(opened, OPERATOR, query)
    if not rows:
        typer.echo("There is no such offer." if query else "There is no offer yet.")
        return
    table = Table("code", "version", "state", "name", "fee", "valid", "filing number", box=None)
    for one in rows:
        days = f"{one.terms['valid_from'] or '…'} – {one.terms['valid_until'] or '…'}"
        name = one.terms["name_zh"] or one.terms["name_en"]
        filed, fee = one.terms["filing_number"], one.terms["monthly_fee"]
        table.add_row(one.code, str(one.version), one.state, name, fee, days, filed)
    Console().print(table)


@app.command()
def show(code: Annotated[str, typer.Argument(help="The offer's code.")]) -> None:
    """The terms of an offer, and all its versions."""
    with application() as opened:
        page = offers.show(opened, OPERATOR, code)
    for name in FIELDS:
        if page.shown.terms[name]:
            typer.echo(f"{name}: {page.shown.terms[name]}")
    table = Table("version", "state", "proposed by", "decided by", "since", "changes", box=None)
    for one in page.versions:
        since = one.decided_at.isoformat(timespec="minutes") if one.decided_at else ""
        changes = "; ".join(f"{name}: {was or '–'} → {now or '–'}" for name, was, now in one.changes)
        table.add_row(str(one.version), one.state, one.proposed_by, one.decided_by, since, changes)
    Console().print(table)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX as `export` writes it.", exists=True, dir_okay=False)],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be proposed.")] = False,
) -> None:
    """Propose every offer of the file whose terms differ. One wrong row, and nothing is proposed."""
    with application() as opened:
        made = offer_files.load(opened, OPERATOR, file.read_bytes(), file.name, dry=dry_run)
    typer.echo(f"{'Would propose' if dry_run else 'Proposed'} {made.proposed}, unchanged {made.unchanged}.")
    if made.proposed and not dry_run:
        typer.echo("Somebody of marketing or an administrator publishes them on the page Offers and tariffs.")


@app.command()
def export(file: Annotated[Path, typer.Argument(help="Where to; its name ends in .csv or .xlsx.")]) -> None:
    """The newest version of every offer, as a file that can be imported again."""
    form: sheets.Format = "xlsx" if file.suffix == ".xlsx" else "csv"
    with application() as opened:
        file.write_bytes(offer_files.export(opened, OPERATOR, form))


@app.command()
def publish(
    code: Annotated[str, typer.Argument(help="The offer's code.")],
    version: Annotated[int, typer.Argument(help="The version that somebody else proposed.")],
) -> None:
    """Publish a version; it holds from now on, on the days that it says."""
    with application() as opened:
        offers.decide(opened, OPERATOR, code, version, publish=True)
    typer.echo(f"Version {version} of {code} is published.")
