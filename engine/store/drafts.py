"""Texts that authors work on. A saved text takes the place of the one before, but only of the one it was made from."""

from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import drafts


@dataclass(frozen=True, slots=True)
class Draft:
    """A text under work. `revision` counts the saved texts; `writers` are all who saved one."""

    id: str
    source: str
    revision: int
    based_on: str
    writers: str
    saved_by: str
    saved_at: datetime


_DRAFT = tuple(getattr(drafts.c, one.name) for one in fields(Draft))


def add(tx: Connection, draft: Draft) -> None:
    """Keep a new one; one with this id stays as it is."""
    values = {one.name: getattr(draft, one.name) for one in fields(draft)}
    tx.execute(inserting(tx, drafts).values(values).on_conflict_do_nothing())


def find(tx: Connection, draft: str) -> Draft | None:
    """The one with this id, or None."""
    row = tx.execute(sa.select(*_DRAFT).where(drafts.c.id == draft)).one_or_none()
    return Draft(*row) if row is not None else None


def every(tx: Connection) -> tuple[Draft, ...]:
    """All of them, the one saved last first."""
    return tuple(Draft(*row) for row in tx.execute(sa.select(*_DRAFT).order_by(drafts.c.saved_at.desc(), drafts.c.id)))


def replace(tx: Connection, draft: Draft, *, seen: int) -> bool:
    """Put it in the place of revision `seen`; False where that is not the newest any more."""
    values = {one.name: getattr(draft, one.name) for one in fields(draft) if one.name != "id"}
    where = (drafts.c.id == draft.id) & (drafts.c.revision == seen)
    return bool(tx.execute(sa.update(drafts).where(where).values(values)).rowcount)


def remove(tx: Connection, draft: str, *, seen: int) -> bool:
    """Forget it; False, with nothing done, where `seen` is not its newest revision."""
    return bool(tx.execute(sa.delete(drafts).where(drafts.c.id == draft, drafts.c.revision == seen)).rowcount)
