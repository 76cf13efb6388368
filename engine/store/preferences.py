"""What people and administrators chose about notices, as text that the service reads."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import channels, preferences


def of_person(tx: Connection, person: str) -> str | None:
    """What a person chose; None where they chose nothing yet."""
    return tx.execute(sa.select(preferences.c.body).where(preferences.c.person == person)).scalar_one_or_none()


def keep_of_person(tx: Connection, person: str, body: str, at: datetime) -> None:
    """Remember what a person chose."""
    row = {"person": person, "body": body, "updated_at": at}
    kept = inserting(tx, preferences).values(row)
    tx.execute(kept.on_conflict_do_update(index_elements=["person"], set_={"body": body, "updated_at": at}))


def of_channels(tx: Connection) -> dict[str, str]:
    """What administrators set of channels, by name."""
    return {row.name: row.body for row in tx.execute(sa.select(channels.c.name, channels.c.body))}


def keep_of_channel(tx: Connection, name: str, body: str, at: datetime) -> None:
    """Remember what an administrator set of a channel."""
    kept = inserting(tx, channels).values({"name": name, "body": body, "updated_at": at})
    tx.execute(kept.on_conflict_do_update(index_elements=["name"], set_={"body": body, "updated_at": at}))
