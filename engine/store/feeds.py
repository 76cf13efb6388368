"""Secret addresses of calendars: whose they are, by the digest of their token."""

import hashlib
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.tables import feeds, people


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def put(tx: Connection, person: str, token: str, *, at: datetime) -> None:
    """Keep a new address; those before are worth nothing any more."""
    revoke(tx, person, at=at)
    tx.execute(sa.insert(feeds).values(hash=digest(token), person=person, created_at=at))


def revoke(tx: Connection, person: str, *, at: datetime) -> None:
    """The addresses of a person are worth nothing any more."""
    tx.execute(sa.update(feeds).where(feeds.c.person == person, feeds.c.revoked_at.is_(None)).values(revoked_at=at))


def created_at(tx: Connection, person: str) -> datetime | None:
    """Since when a person has an address; None where they have none."""
    query = sa.select(feeds.c.created_at).where(feeds.c.person == person, feeds.c.revoked_at.is_(None))
    return tx.execute(query.limit(1)).scalar_one_or_none()


def person_of(tx: Connection, token: str) -> str | None:
    """Whose address a token is; None where it is unknown or revoked, or the account is closed."""
    query = sa.select(feeds.c.person).join(people, people.c.id == feeds.c.person)
    valid = query.where(feeds.c.hash == digest(token), feeds.c.revoked_at.is_(None), people.c.active)
    return tx.execute(valid).scalar_one_or_none()
