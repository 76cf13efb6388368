"""The remarks that a person writes often. Refuses to keep any but the person's own."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.tables import phrases


def load(tx: Connection, person: str) -> tuple[str, ...]:
    """A person's phrases in their order; none where they kept none."""
    query = sa.select(phrases.c.text).where(phrases.c.person == person).order_by(phrases.c.position)
    return tuple(tx.execute(query).scalars())


def replace(tx: Connection, person: str, texts: Sequence[str]) -> None:
    """Keep these instead of what was kept."""
    tx.execute(sa.delete(phrases).where(phrases.c.person == person))
    if texts:
        rows = [{"person": person, "position": place, "text": text} for place, text in enumerate(texts)]
        tx.execute(sa.insert(phrases), rows)
