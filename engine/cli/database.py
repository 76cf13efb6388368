"""`countersign database`: bring the case database to the newest schema, and check the chain of every history."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from engine.service import definitions, links
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store import history
from engine.store.session import Database

app = typer.Typer(no_args_is_help=True, help="Migrate and verify the case database.")

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
def restored(database: _Url = "") -> None:
    """Say that the database was restored from a backup: links that were mailed before are void from now on.

    Run it before the pages start. Open tasks stay in the inboxes; reminders bring new links.
    """
    db = _opened(database)
    db.migrate()
    count = links.restored(Countersign(Settings(), db))
    db.close()
    Console(highlight=False).print(f"{count} links are void now.")


def _opened(url: str) -> Database:
    return Database(Settings(database_url=url).database if url else Settings().database)
