"""`countersign delivery`: what comes back, from files: mail that a mail server wrote, complaints of a regulator; and
whether the sums of the waves are right."""

import mailbox
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.opening import application
from engine.errors import CountersignError, InvalidFile, Problem
from engine.service import complaining, recounting_waves, returned_mail
from engine.service.recording import OPERATOR

app = typer.Typer(no_args_is_help=True)


@app.callback()
def delivery() -> None:
    """What comes back from customers, and the sums of deliveries."""


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
    with application() as opened:
        found = recounting_waves.recount(opened, OPERATOR, mend=mend)
    for one in found:
        typer.echo(one.said)
    if found and not mend:
        sys.exit(1)
    typer.echo("These sums are mended." if found else "The sums of all waves are right.")


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
