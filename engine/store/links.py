"""Links in notifications: a token that locates a task, and nothing more.

The token is 256 random bits and stands only in the mail; here is its hash. It is bound to the person, case, step,
round and revision it was mailed for, and to the epoch: whether the database was restored since. Refuses to authorise:
that is the session's part.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.tables import link_refusals, links, restores


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
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Somebody followed a link that was mailed to another person."""

    case_id: str
    task: str
    meant_for: str
    used_by: str
    at: datetime
    address: str


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
        "hash": hashed(token),
        "person": person,
        "case_id": case_id,
        "task": task,
        "step": step,
        "round": round,
        "seq": seq,
        "created_at": now,
        "expires_at": expires_at,
        "epoch": epoch(tx),
    }
    tx.execute(sa.insert(links).values(row))
    return token


def find(tx: Connection, token: str) -> Link | None:
    """What `token` was mailed for, expired and revoked ones too; None for a token that was never mailed."""
    columns = (links.c[name] for name in Link.__dataclass_fields__)
    row = tx.execute(sa.select(*columns).where(links.c.hash == hashed(token))).one_or_none()
    return Link(*row) if row else None


def revoke_for_task(tx: Connection, task: str, at: datetime) -> int:
    """Revoke every link to a task; how many there were."""
    return _revoke(tx, links.c.task == task, at)


def revoke_for_person(tx: Connection, person: str, at: datetime) -> int:
    """Revoke every link that was mailed to a person and is not over; how many there were."""
    return _revoke(tx, (links.c.person == person) & (links.c.expires_at > at), at)


def epoch(tx: Connection) -> int:
    """How often the database was restored."""
    return tx.execute(sa.select(sa.func.count()).select_from(restores)).scalar_one()


def begin_epoch(tx: Connection, at: datetime) -> int:
    """The database was restored: every link mailed so far is void. Returns how many of them would have been good."""
    good = links.c.revoked_at.is_(None) & (links.c.expires_at > at) & (links.c.epoch == epoch(tx))
    count = tx.execute(sa.select(sa.func.count()).select_from(links).where(good)).scalar_one()
    tx.execute(sa.insert(restores).values(at=at))
    return count


def refused(tx: Connection, one: Refusal) -> None:
    """Keep that somebody followed another person's link."""
    row = {name: getattr(one, name) for name in Refusal.__dataclass_fields__}
    tx.execute(sa.insert(link_refusals).values(row | {"address": one.address[:60]}))


def refusals(tx: Connection, limit: int) -> tuple[Refusal, ...]:
    """The newest refusals."""
    columns = (link_refusals.c[name] for name in Refusal.__dataclass_fields__)
    newest = sa.select(*columns).order_by(link_refusals.c.at.desc(), link_refusals.c.id.desc()).limit(limit)
    return tuple(Refusal(*row) for row in tx.execute(newest))


def _revoke(tx: Connection, which: sa.ColumnElement[bool], at: datetime) -> int:
    live = which & links.c.revoked_at.is_(None)
    return tx.execute(sa.update(links).where(live).values(revoked_at=at)).rowcount


def hashed(token: str) -> str:
    """The hash under which a link's token is kept."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
