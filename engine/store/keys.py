"""The digests of what request keys stood for."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import request_keys


def find(tx: Connection, key: str) -> str | None:
    """The digest of what the key stood for, or None."""
    return tx.execute(sa.select(request_keys.c.digest).where(request_keys.c.key == key)).scalar_one_or_none()


def add(tx: Connection, key: str, digest: str, at: datetime) -> None:
    """Keep it; the first stays."""
    tx.execute(inserting(tx, request_keys).values(key=key, digest=digest, at=at).on_conflict_do_nothing())


def take(tx: Connection, key: str, at: datetime) -> bool:
    """Note that what the key stands for is done now; False where it was before."""
    row = inserting(tx, request_keys).values(key=key, digest="", at=at).on_conflict_do_nothing()
    return bool(tx.execute(row).rowcount)
