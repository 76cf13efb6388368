"""Files that somebody sent and has not confirmed yet. They are gone once confirmed, or a day later."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from engine.store.tables import uploads

KEPT = timedelta(days=1)


def keep(tx: Connection, *, number: str, kind: str, name: str, body: bytes, person: str, at: datetime) -> None:
    """Keep a file; those that nobody confirmed within a day are forgotten."""
    tx.execute(sa.delete(uploads).where(uploads.c.at < at - KEPT))
    row = {"id": number, "kind": kind, "name": name[:120], "body": body, "person": person, "at": at}
    tx.execute(sa.insert(uploads).values(row))


def find(tx: Connection, number: str, person: str) -> Row[Any] | None:
    """kind, name and body of a file of that person's; None where it is gone or another's."""
    query = sa.select(uploads).where(uploads.c.id == number, uploads.c.person == person)
    return tx.execute(query).one_or_none()


def forget(tx: Connection, number: str) -> bool:
    """It was confirmed, or is not wanted; False where it was gone already."""
    return tx.execute(sa.delete(uploads).where(uploads.c.id == number)).rowcount > 0
