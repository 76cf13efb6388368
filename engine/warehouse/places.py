"""Which server or cluster an operator means, by the name that the connections file gives it."""

from pathlib import Path

from engine.warehouse.elsewhere import Place
from engine.warehouse.postgres import Server
from engine.warehouse.queries import address_of
from engine.warehouse.spark import PREFIX, Lake
from engine.warehouse.syncing import read_connections


def place_of(text: str, connections: Path) -> Place:
    """CONNECTION or CONNECTION:SCHEMA of the connections file; on Spark a database of its catalogue or a folder.

    InvalidFile where it is not named there.
    """
    name, _, source = text.partition(":")
    address = address_of(name, read_connections(connections) if connections != Path() else {})
    if address.startswith(PREFIX):
        return Lake(name, address.removeprefix(PREFIX), source or "default")
    return Server(name, address, source or "public")
