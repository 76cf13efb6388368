"""`countersign export`: the histories of cases as event logs for process mining."""

import gzip
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, Annotated

import typer

from engine.cli.persons import person
from engine.errors import InvalidFile, Problem
from engine.service import event_logs
from engine.service.app import Countersign
from engine.service.event_logs import Form

FORMS: Mapping[Form, str] = {
    "xes": "IEEE 1849",
    "ocel": "OCEL 2.0 as JSON: cases, tasks, people and offices",
    "csv": "with the headings of XES",
}


def export(
    form: Annotated[Form, typer.Argument(help="; ".join(f"{name}: {said}" for name, said in FORMS.items()))],
    file: Annotated[Path, typer.Argument(help="Where to write it; packed where it ends in .gz.", show_default=False)],
    by: Annotated[str, typer.Option("--as", help="The account of the person who exports: only cases they may see.")],
    *,
    since: Annotated[str, typer.Option(help="Only cases that changed on this day or later (2026-11-30).")] = "",
    until: Annotated[str, typer.Option(help="Only cases that changed on this day or earlier.")] = "",
    definition: Annotated[str, typer.Option(help="Only cases of this definition.")] = "",
    office: Annotated[str, typer.Option(help="Only cases of this office and those below it.")] = "",
    accounts: Annotated[
        bool, typer.Option("--accounts", help="People by their accounts; for auditors, administrators.")
    ] = False,
) -> None:
    """Event logs of cases for process mining; nothing that people wrote, and so no customer, is in them."""
    filters = _filters(since, until, definition, office)
    opened = Countersign.open()
    try:
        viewer = person(opened, by)
        pieces = event_logs.export(opened, viewer, form, filters, persons="accounts" if accounts else "pseudonyms")
        with _made(file) as out:
            for piece in pieces:
                out.write(piece)
    finally:
        opened.close()
    typer.echo(f"{file}: {file.stat().st_size:,} bytes", err=True)


def _filters(since: str, until: str, definition: str, office: str) -> dict[str, str]:
    for option, text in (("--since", since), ("--until", until)):
        try:
            date.fromisoformat(text or "2026-01-01")
        except ValueError:
            raise typer.BadParameter(f"{text!r} is not a day; write 2026-11-30", param_hint=option) from None
    return {"since": since, "until": until, "kind": definition, "office": office}


@contextmanager
def _made(file: Path) -> Iterator[IO[bytes]]:
    try:
        with file.open("wb") as raw:
            if file.suffix != ".gz":
                yield raw
                return
            with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:  # the same log gives the same bytes
                yield packed  # type: ignore[misc]  # writes as files do
    except OSError as error:
        raise InvalidFile([Problem("F120", f"{file} cannot be written: {error.strerror or error}")]) from None
