"""Files of cases: a row each, and the bytes under the home folder by their digest.

Bytes are there before their row is, so no row names a file that is not whole; a file without a row (a crash between
the two) is harmless and is used by the next upload of the same bytes. Refuses to change or remove any.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.errors import NoSpace
from engine.store.session import inserting
from engine.store.tables import attachments, cases


@dataclass(frozen=True, slots=True)
class Stored:
    """One file of a case."""

    id: str
    case_id: str
    field: str
    name: str
    size: int
    type: str
    sha256: str
    by: str
    at: datetime


class TooLarge(Exception):
    """More bytes came than a file may have."""


class Incoming:
    """A file that is being received, under a temporary name. Gone at the end of the `with` unless it was kept."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.path = folder / f".incoming-{secrets.token_hex(8)}"
        self.size = 0
        self._digest = hashlib.sha256()

    def __enter__(self) -> "Incoming":
        return self

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)

    @property
    def sha256(self) -> str:
        """The digest of what came so far."""
        return self._digest.hexdigest()

    def receive(self, chunks: Iterable[bytes], *, most: int) -> None:
        """Write what comes, and have it on the disk. Raises TooLarge as soon as it is more than `most` bytes."""
        try:
            with self.path.open("wb") as file:
                for chunk in chunks:
                    self.size += len(chunk)
                    if self.size > most:
                        raise TooLarge
                    self._digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise NoSpace(path=self.folder) from error

    def keep(self) -> None:
        """Give it its final name, at once."""
        target = place(self.folder, self.sha256)
        target.parent.mkdir(exist_ok=True)
        self.path.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def place(folder: Path, sha256: str) -> Path:
    """Where the bytes with a digest lie."""
    return folder / sha256[:2] / sha256


def add(tx: Connection, stored: Stored) -> None:
    """Keep the row; twice is once."""
    tx.execute(inserting(tx, attachments).values(asdict(stored)).on_conflict_do_nothing(index_elements=["id"]))


def of_case(tx: Connection, case_id: str) -> dict[str, Stored]:
    """The files that were ever added to a case, by id."""
    rows = tx.execute(sa.select(attachments).where(attachments.c.case_id == case_id).order_by(attachments.c.at))
    return {row.id: Stored(*row) for row in rows}


def everywhere(tx: Connection) -> list[tuple[Stored, str]]:
    """The files of all cases, each with the number of its case (its id where it has none yet)."""
    number = sa.func.coalesce(cases.c.number, cases.c.id)
    rows = tx.execute(sa.select(number, attachments).join(cases, cases.c.id == attachments.c.case_id))
    return [(Stored(*row[1:]), str(row[0])) for row in rows]
