"""`countersign database`: bring the case database to the newest schema, check the chain of every history, back it up,
restore it, and release what a restored one holds back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from engine.service import backups, definitions, people, restoring
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By
from engine.settings import Settings
from engine.store import history
from engine.store.session import Database

app = typer.Typer(no_args_is_help=True, help="Migrate, verify, back up and restore the case database.")
NEXT = "Nothing is sent until you look and run `countersign database release` (docs/operation.md, Backups)."

_Url = Annotated[str, typer.Option("--database", help="SQLAlchemy URL; by default COUNTERSIGN_DATABASE_URL.")]


@app.command()
def migrate(database: _Url = "") -> None:
    """Make the tables, or bring them to the newest schema, and publish the definitions that come with the product.

    Several may do so at once; twice changes nothing.
    """
    db = _opened(database)
    db.migrate()
    Console(highlight=False).print(f"{db.address} is up to date.", markup=False)
    for name in definitions.publish_shipped(Countersign(Settings(), db)):
        Console(highlight=False).print(f"{name} is published.", markup=False)
    db.close()


@app.command()
def verify(database: _Url = "") -> None:
    """Check every case: its history is whole, and the case is what its history says. Exit code 1 where one is not."""
    db, out = _opened(database), Console(highlight=False)
    broken = []
    with db.read() as tx:
        case_ids = history.case_ids(tx)
        for case_id in track(case_ids, "Verifying", console=Console(stderr=True), transient=True):
            if (found := history.verify(tx, case_id)) is not None:
                broken.append(found)
    db.close()
    for found in broken:
        out.print(f"case {found.case_id}, entry {found.seq}: {found.reason}", markup=False)
    out.print(f"{len(case_ids)} cases verified, {len(broken)} broken.")
    raise typer.Exit(1 if broken else 0)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not be there.")],
    data: Annotated[bool, typer.Option(help="Whether the data folder goes into it as well.")] = True,
    database: _Url = "",
) -> None:
    """Copy the database of one moment, and the files that it names, into one file, while everything runs.

    Keys are not in it: keep home/secret.key elsewhere, without it no address can be read.
    """
    opened = Countersign(Settings(), _opened(database))
    try:
        with _counted("Copying") as tick:
            made = backups.make(opened, file, with_data=data, tick=tick)
    finally:
        opened.close()
    out = Console(highlight=False)
    out.print(f"{file}: {made.cases} cases, schema {made.schema}, histories {made.digest}.", markup=False)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file that `backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of the cases that are there.")
    ] = False,
    database: _Url = "",
) -> None:
    """Put a backup in the place of the database, and files that are missing; check that the histories are the same.

    Stop pages and flows first. Links that were mailed are void, and nothing is sent until `database release`: what went
    out after the backup was made is not known to it. Run `customers again` before that.
    """
    settings, url = Settings(), Settings(database_url=database).database if database else Settings().database
    with _counted("Restoring") as tick:
        done = backups.restore(settings, url, file, replace=replace, tick=tick)
    out = Console(highlight=False)
    out.print(f"{done.manifest.cases} cases of {done.manifest.at.isoformat(timespec='seconds')} are back.")
    out.print(f"{done.files} files were put back, {done.links} links are void now.")
    out.print(NEXT, markup=False)


@app.command()
def release(
    reason: Annotated[str, typer.Option(prompt="Why may sending go on", help="Why; it stands in the audit.")],
    person: Annotated[str, typer.Option("--as", help="Who says so; by default the operator.")] = "",
    database: _Url = "",
) -> None:
    """Let a database that was restored send again: waves, notices, webhooks. What is due goes at once."""
    opened = Countersign(Settings(), _opened(database))
    try:
        opened.db.migrate()
        by = By(people.viewer_named(opened, person), "cli") if person else OPERATOR
        epoch = restoring.release(opened, by, reason)
    finally:
        opened.close()
    Console(highlight=False).print(f"What is due is sent again (epoch {epoch}).")


@app.command()
def restored(database: _Url = "") -> None:
    """Say that the database was restored by other means than `restore`: links that were mailed before are void from now
    on, and nothing is sent until `release`.

    Run it before the pages start. Open tasks stay in the inboxes; reminders bring new links.
    """
    db = _opened(database)
    db.migrate()
    count = restoring.hold(Countersign(Settings(), db))
    db.close()
    out = Console(highlight=False)
    out.print(f"{count} links are void now.")
    out.print(NEXT, markup=False)


@contextmanager
def _counted(words: str) -> Iterator[backups.Tick]:
    """A line that counts files and bytes while they are copied."""
    with Console(stderr=True).status(words) as status:
        seen = [0, 0]

        def tick(name: str, size: int) -> None:
            seen[0], seen[1] = seen[0] + 1, seen[1] + size
            status.update(f"{words}: {seen[0]} files, {seen[1] / 1_000_000:.1f} MB ({name[-40:]})")

        yield tick


def _opened(url: str) -> Database:
    return Database(Settings(database_url=url).database if url else Settings().database)
