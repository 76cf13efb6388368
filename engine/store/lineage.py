"""The one row that tells a database from a restored older copy of itself, and whether it may send.

`mark` grows with what is sent. Whoever remembers a later place (epoch, then mark) than the row has seen more of this
database than it knows of itself. Refuses to remember anything outside the database: the service does.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import lineage

_COLUMNS = (lineage.c.name, lineage.c.epoch, lineage.c.mark, lineage.c.held_at, lineage.c.held_because)


@dataclass(frozen=True, slots=True)
class Lineage:
    """The row. `held_at`: since when nothing is sent; None while it is."""

    name: str
    epoch: int
    mark: int
    held_at: datetime | None
    held_because: str

    @property
    def place(self) -> tuple[int, int]:
        """How far this database has come."""
        return self.epoch, self.mark


def find(tx: Connection) -> Lineage | None:
    """The row; None where nothing was ever sent."""
    row = tx.execute(sa.select(*_COLUMNS)).one_or_none()
    return None if row is None else Lineage(*row)


def begin(tx: Connection) -> Lineage:
    """The row, made now where there is none; locked until the transaction ends."""
    fresh = {"id": 1, "name": secrets.token_hex(16), "epoch": 0, "mark": 0}
    tx.execute(inserting(tx, lineage).values(fresh).on_conflict_do_nothing())
    return Lineage(*tx.execute(sa.select(*_COLUMNS).with_for_update()).one())


def advance(tx: Connection) -> None:
    """Something is about to be sent."""
    tx.execute(sa.update(lineage).values(mark=lineage.c.mark + 1))


def hold(tx: Connection, because: str, at: datetime) -> None:
    """Nothing is sent from now on."""
    tx.execute(sa.update(lineage).values(held_at=at, held_because=because))


def release(tx: Connection, epoch: int) -> None:
    """Sending goes on in a new epoch."""
    tx.execute(sa.update(lineage).values(epoch=epoch, mark=lineage.c.mark + 1, held_at=None, held_because=""))
