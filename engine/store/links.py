"""Links in notifications: a token that locates a task, and nothing more.

The token is 256 random bits and stands only in the mail; here is its hash. It is bound to the person, case, step,
round and revision it was mailed for. Refuses to authorise: that is the session's part.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.tables import links


@dataclass(frozen=True, slots=True)
class Link:
    """What a link was mailed for. `seq` is the case's revision then."""

    person: str
    case_id: str
    task: str
    step: str
    round: int
    seq: int
    expires_at: datetime
    revoked_at: datetime | None


def create(
    tx: Connection,
    *,
    person: str,
    case_id: str,
    task: str,
    step: str,
    round: int,
    seq: int,
    now: datetime,
    expires_at: datetime,
) -> str:
    """A new link; the token, which cannot be had a second time."""
    token = secrets.token_urlsafe(32)
    row = {
        "hash": _hash(token),
        "person": person,
        "case_id": case_id,
        "task": task,
        "step": step,
        "round": round,
        "seq": seq,
        "created_at": now,
        "expires_at": expires_at,
    }
    tx.execute(sa.insert(links).values(row))
    return token


def find(tx: Connection, token: str) -> Link | None:
    """What `token` was mailed for, expired and revoked ones too; None for a token that was never mailed."""
    columns = (links.c[name] for name in Link.__dataclass_fields__)
    row = tx.execute(sa.select(*columns).where(links.c.hash == _hash(token))).one_or_none()
    return Link(*row) if row else None


def revoke_for_task(tx: Connection, task: str, at: datetime) -> int:
    """Revoke every link to a task; how many there were."""
    live = (links.c.task == task) & links.c.revoked_at.is_(None)
    return tx.execute(sa.update(links).where(live).values(revoked_at=at)).rowcount


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
