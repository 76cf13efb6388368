"""The application for one command: its database brought up to date first, closed whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager

from engine.service.app import Countersign
from engine.settings import Settings


@contextmanager
def application() -> Iterator[Countersign]:
    """The application by the settings."""
    opened = Countersign.open(Settings())
    try:
        opened.db.migrate()
        yield opened
    finally:
        opened.close()
