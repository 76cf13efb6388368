"""Webhooks: who wants to hear of which events of cases, at which address, signed with which secret.

Every change of whether there are any raises the organisation's revision, so that a transition knows it from its lock.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.tables import organisation, webhooks


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook as stored. `old_secret` signs too until `old_until`."""

    id: int
    owner: str
    name: str
    url: str
    events: tuple[str, ...]
    secret: str
    old_secret: str
    old_until: datetime | None
    state: str
    reason: str
    created_at: datetime
    made_by: str
    renewed_by: str

    @property
    def circuit(self) -> str:
        """What its messages wait for."""
        return circuit_of(self.id)


def circuit_of(number: int) -> str:
    """The circuit of a webhook."""
    return f"hook:{number}"


_COLUMNS = tuple(webhooks.c[name] for name in Webhook.__dataclass_fields__)


def any_active(tx: Connection) -> bool:
    """Whether anybody wants to hear of anything."""
    query = sa.select(webhooks.c.id).where(webhooks.c.state == "active").limit(1)
    return tx.execute(query).scalar_one_or_none() is not None


def active(tx: Connection) -> tuple[Webhook, ...]:
    """Those that are told."""
    return _read(tx, webhooks.c.state == "active")


def of_owner(tx: Connection, owner: str) -> tuple[Webhook, ...]:
    """A person's own."""
    return _read(tx, webhooks.c.owner == owner)


def every(tx: Connection) -> tuple[Webhook, ...]:
    """All there are."""
    return _read(tx)


def find(tx: Connection, number: int) -> Webhook | None:
    """The webhook, or None."""
    return next(iter(_read(tx, webhooks.c.id == number)), None)


def add(tx: Connection, values: dict[str, Any]) -> int:
    """Add one; its number."""
    number: int = tx.execute(sa.insert(webhooks).values(_row(values)).returning(webhooks.c.id)).scalar_one()
    _changed(tx)
    return number


def change(tx: Connection, number: int, **values: Any) -> bool:
    """Change it; False where it is not there."""
    found = tx.execute(sa.update(webhooks).where(webhooks.c.id == number).values(_row(values))).rowcount
    if found:
        _changed(tx)
    return bool(found)


def remove(tx: Connection, number: int) -> None:
    """Take it away."""
    tx.execute(sa.delete(webhooks).where(webhooks.c.id == number))
    _changed(tx)


def _row(values: dict[str, Any]) -> dict[str, Any]:
    return values | ({"events": f",{','.join(values['events'])},"} if "events" in values else {})


def _read(tx: Connection, *wanted: sa.ColumnElement[bool]) -> tuple[Webhook, ...]:
    rows = tx.execute(sa.select(*_COLUMNS).where(*wanted).order_by(webhooks.c.id))
    return tuple(Webhook(**{**row._mapping, "events": tuple(filter(None, row.events.split(",")))}) for row in rows)


def _changed(tx: Connection) -> None:
    tx.execute(sa.update(organisation).values(revision=organisation.c.revision + 1))
