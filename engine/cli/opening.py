"""The application for one command, closed whatever happens. Its database is brought up to date first, unless the
command only tries something out: that changes nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import SchemaBehind
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store import operation
from engine.store.session import newest_revision


@contextmanager
def application() -> Iterator[Countersign]:
    """The application by the settings."""
    opened = Countersign.open(Settings())
    try:
        opened.db.migrate()
        yield opened
    finally:
        opened.close()


@contextmanager
def application_as_it_is() -> Iterator[Countersign]:
    """The application over a database that is not touched. SchemaBehind where it is not of this release."""
    opened = Countersign.open(Settings())
    try:
        if not opened.db.is_made() or _revision(opened) != newest_revision():
            raise SchemaBehind(url=opened.db.address)
        yield opened
    finally:
        opened.close()


def _revision(app: Countersign) -> str:
    with app.db.read() as tx:
        return operation.schema_revision(tx)
