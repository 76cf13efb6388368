"""`countersign delivery`: what comes back, from files; proofs of a case; seeds of offices; whether sums are right."""

import mailbox
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.opening import application
from engine.cli.progress import counting
from engine.errors import CountersignError, InvalidFile, Problem
from engine.service import complaining, proofs, recounting_waves, returned_mail, seed_lists
from engine.service.recording import OPERATOR

app = typer.Typer(no_args_is_help=True)


@app.callback()
def delivery() -> None:
    """What comes back from customers, proofs, seeds, and the sums of deliveries."""


@app.command()
def bounces(
    place: Annotated[Path, typer.Argument(metavar="FILE|MAILDIR", help="One mail, an mbox, or a folder of mails.")],
) -> None:
    """Take in bounced mail and complaints. The same again changes nothing, and no file is changed or moved."""
    applied = repeated = parked = 0
    with application() as opened:
        for name, raw in _mails(place):
            try:
                counts = returned_mail.take_mail(opened, raw)
            except CountersignError as error:
                typer.echo(f"{name}: {error.message}", err=True)
                continue
            applied, repeated, parked = applied + counts.applied, repeated + counts.repeated, parked + counts.parked
    typer.echo(
        f"{applied:,} counted, {repeated:,} said nothing new, {parked:,} wait for a person (Operation, receipts)."
    )


@app.command()
def complaints(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV or XLSX: id,at and some of from,message,customer,case.")
    ],
) -> None:
    """Take complaints in. Who complains gets no more messages; the same again changes nothing, and with a wrong row
    nothing of the file is taken in."""
    if not file.is_file():
        raise InvalidFile([Problem("complaint", "there is no such file", file=str(file))])
    with application() as opened:
        taken = complaining.load(opened, OPERATOR, file.read_bytes(), file.name)
    typer.echo(
        f"{taken.applied:,} counted, {taken.repeated:,} known already, {taken.parked:,} belong to no message here and"
        " are set aside (Operation, receipts)."
    )


@app.command()
def recount(
    mend: Annotated[bool, typer.Option("--mend", help="Make the sums what the rows say.")] = False,
) -> None:
    """Count the recipients of every wave by state, and compare with the sums that pages, gates and stop rules read.
    Ends with 1 where a wave differs and was not mended. Reads the whole ledger: ten million rows take seconds."""
    with application() as opened, counting("recipients") as told:
        found = recounting_waves.recount(opened, OPERATOR, mend=mend, told=told)
    for one in found:
        typer.echo(one.said)
    if found and not mend:
        sys.exit(1)
    typer.echo("These sums are mended." if found else "The sums of all waves are right.")


@app.command("proofs")
def proofs_(
    case: Annotated[str, typer.Argument(help="The number or id of the case.")],
    *,
    to: Annotated[
        list[str] | None, typer.Option(help="Send the message to this account; may stand several times.")
    ] = None,
) -> None:
    """Show the proofs of CASE and what people say of them; with --to send some."""
    with application() as opened:
        if to:
            count = proofs.send(opened, OPERATOR, case, to)
            typer.echo(f"{count:,} proofs go out with the next turn of the delivery worker.")
        view = proofs.for_operator(opened, case)
    if view.need:
        typer.echo(f"{view.fits:,} of {view.need:,} who must say that every text fits have said so.")
    for one in view.proofs:
        said = f"{one.answer or 'no answer'}{f': {one.because}' if one.because else ''}"
        typer.echo(
            f"{one.name}  {one.channel}  {f'variant {one.variant}  ' if one.variant else ''}{one.who}  {one.address}"
            f"  {one.state}{f': {one.reason}' if one.reason else ''}  {said}{'' if one.is_current else '  (old text)'}"
        )


seeds_app = typer.Typer(no_args_is_help=True)
app.add_typer(seeds_app, name="seeds")


@seeds_app.callback()
def seeds() -> None:
    """Addresses of the house that get every wave of an office."""


@seeds_app.command("list")
def list_() -> None:
    """Every seed that nobody ended, its address masked."""
    with application() as opened:
        rows = seed_lists.listed(opened, OPERATOR)
    for one in rows:
        until = f"  until {one.until:%Y-%m-%d %H:%M}" if one.until else ""
        typer.echo(f"{one.id}  {one.office}  {one.channel}  {one.address}  {one.name}{until}")
    if not rows:
        typer.echo("There are no seeds.")


@seeds_app.command()
def add(
    office: Annotated[str, typer.Argument(help="The code of the office.")],
    channel: Annotated[str, typer.Argument(help="sms or email.")],
    address: Annotated[str, typer.Argument(help="The number or address; it is sealed.")],
    *,
    name: Annotated[str, typer.Option(help="Whose it is.")],
    customer: Annotated[str, typer.Option(help="Their number, where they are a customer too.")] = "",
    last: Annotated[str, typer.Option(help="The last day, as 2026-12-31; empty: for good.")] = "",
) -> None:
    """Add a seed: it gets every wave over its channel that is begun from then on."""
    told = {"office": office, "channel": channel, "address": address, "name": name}
    with application() as opened:
        number = seed_lists.add(opened, OPERATOR, **told, customer=customer, last=last)
    typer.echo(f"seed {number}")


@seeds_app.command()
def end(number: Annotated[int, typer.Argument(help="Its number, as `list` shows it.")]) -> None:
    """Send nothing more to a seed."""
    with application() as opened:
        seed_lists.end(opened, OPERATOR, number)
    typer.echo(f"seed {number} has ended")


def _mails(place: Path) -> Iterator[tuple[str, bytes]]:
    """The mails of a file or folder, each whole; InvalidFile where there is neither."""
    if place.is_dir():
        is_maildir = (place / "new").is_dir() or (place / "cur").is_dir()
        folders = [place / "new", place / "cur"] if is_maildir else [place]
        for file in sorted(file for folder in folders if folder.is_dir() for file in folder.iterdir()):
            if file.is_file() and not file.name.startswith("."):
                yield file.name, file.read_bytes()
        return
    if not place.is_file():
        raise InvalidFile([Problem("mail", "there is no such file or folder", file=str(place))])
    with place.open("rb") as opened:
        begins = opened.read(5)
    if begins != b"From ":
        yield place.name, place.read_bytes()
        return
    kept = mailbox.mbox(place, create=False)
    try:
        for number, key in enumerate(kept.keys(), 1):
            yield f"{place.name} {number}", kept.get_bytes(key)
    finally:
        kept.close()
