"""`countersign export`: the histories of cases as event logs for process mining."""

import gzip
from collections.abc import Iterator
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

app = typer.Typer(no_args_is_help=True)

_File = Annotated[Path, typer.Argument(help="Where to write it; packed where it ends in .gz.", show_default=False)]
_By = Annotated[str, typer.Option("--as", help="The account of the person who exports: only cases they may see.")]
_Since = Annotated[str, typer.Option(help="Only cases that changed on this day or later (2026-11-30).")]
_Until = Annotated[str, typer.Option(help="Only cases that changed on this day or earlier.")]
_Definition = Annotated[str, typer.Option(help="Only cases of this definition.")]
_Office = Annotated[str, typer.Option(help="Only cases of this office and those below it.")]
_Accounts = Annotated[bool, typer.Option("--accounts", help="People by their accounts; for auditors, administrators.")]


@app.callback()
def _export() -> None:
    """Event logs of cases for process mining; nothing that people wrote, and so no customer, is in them."""


@app.command()
def xes(
    file: _File,
    by: _By,
    *,
    since: _Since = "",
    until: _Until = "",
    definition: _Definition = "",
    office: _Office = "",
    accounts: _Accounts = False,
) -> None:
    """Write an event log in XES (IEEE 1849)."""
    _write("xes", file, by, _filters(since, until, definition, office), accounts=accounts)


@app.command()
def ocel(
    file: _File,
    by: _By,
    *,
    since: _Since = "",
    until: _Until = "",
    definition: _Definition = "",
    office: _Office = "",
    accounts: _Accounts = False,
) -> None:
    """Write an object-centric event log in OCEL 2.0 (JSON): cases, tasks, people and offices."""
    _write("ocel", file, by, _filters(since, until, definition, office), accounts=accounts)


@app.command("csv")
def csv_(
    file: _File,
    by: _By,
    *,
    since: _Since = "",
    until: _Until = "",
    definition: _Definition = "",
    office: _Office = "",
    accounts: _Accounts = False,
) -> None:
    """Write an event log as CSV with the headings of XES."""
    _write("csv", file, by, _filters(since, until, definition, office), accounts=accounts)


def _filters(since: str, until: str, definition: str, office: str) -> dict[str, str]:
    for option, text in (("--since", since), ("--until", until)):
        try:
            date.fromisoformat(text or "2026-01-01")
        except ValueError:
            raise typer.BadParameter(f"{text!r} is not a day; write 2026-11-30", param_hint=option) from None
    return {"since": since, "until": until, "kind": definition, "office": office}


def _write(form: Form, file: Path, by: str, filters: dict[str, str], *, accounts: bool) -> None:
    opened = Countersign.open()
    try:
        viewer = person(opened, by)
        pieces = event_logs.export(opened, viewer, form, filters, persons="accounts" if accounts else "pseudonyms")
        with _made(file) as out:
            size = sum(out.write(piece) for piece in pieces)
    finally:
        opened.close()
    typer.echo(f"{file}: {size:,} bytes", err=True)


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
