"""What is deleted once it is over: messages that went, keys of requests, forms that nobody came back to, tries, codes,
contacts that no cap can count any more.

Refuses histories, cases, deliveries and everything that is still to be sent: nothing here may be needed again.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Table

from engine.store.tables import kept_forms, link_codes, messages, permits, request_keys, sign_in_tries

OVER = ("sent", "dead", "moot")


def old_messages(tx: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` messages that were settled before then, the oldest first. How many."""
    settled = messages.c.state.in_(OVER) & (messages.c.settled_at < before)
    return _delete(tx, messages, messages.c.id, settled, limit)


def old_keys(tx: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` keys of requests from before then. How many."""
    return _delete(tx, request_keys, request_keys.c.key, request_keys.c.at < before, limit)


def expired_forms(tx: Connection, now: datetime, limit: int) -> int:
    """Delete up to `limit` kept forms whose time is over. How many."""
    return _delete(tx, kept_forms, kept_forms.c.hash, kept_forms.c.expires_at < now, limit)


def old_tries(tx: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` wrong tries from before then. How many."""
    return _delete(tx, sign_in_tries, sign_in_tries.c.id, sign_in_tries.c.at < before, limit)


def old_codes(tx: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` one-time codes that were asked for before then. How many."""
    return _delete(tx, link_codes, link_codes.c.link, link_codes.c.asked_at < before, limit)


def old_permits(tx: Connection, channel: str, before: datetime, limit: int) -> int:
    """Delete up to `limit` contacts over a channel that were held or made before then. How many."""
    old = (permits.c.channel == channel) & (permits.c.at < before)
    chosen = sa.select(permits.c.wave, permits.c.customer).where(old).limit(limit)
    return tx.execute(sa.delete(permits).where(sa.tuple_(permits.c.wave, permits.c.customer).in_(chosen))).rowcount


def _delete(tx: Connection, table: Table, key: sa.Column[object], over: ColumnElement[bool], limit: int) -> int:
    chosen = sa.select(key).where(over).order_by(key).limit(limit)
    return tx.execute(sa.delete(table).where(key.in_(chosen))).rowcount
