"""Confidential cases: who was named to read them, until when their office does not, and who looked.

Nothing is ever taken out of these tables: a reader who was removed and an embargo that was moved stay as rows. What
follows from them for a viewer stands in `visibility`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import case_embargoes, case_readers, case_views, cases


@dataclass(frozen=True, slots=True)
class Reader:
    """A person named to read a case."""

    person: str
    named_by: str
    named_at: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody looked at a confidential case; `number` is empty before its first submission."""

    case_id: str
    number: str
    person: str
    at: datetime
    address: str


def named(tx: Connection, case_id: str) -> tuple[Reader, ...]:
    """The readers of a case, in the order in which they were named."""
    query = sa.select(case_readers.c.person, case_readers.c.named_by, case_readers.c.named_at)
    rows = query.where(case_readers.c.case_id == case_id, case_readers.c.removed_at.is_(None))
    return tuple(Reader(*row) for row in tx.execute(rows.order_by(case_readers.c.id)))


def name(tx: Connection, case_id: str, person: str, *, by: str, at: datetime) -> None:
    """Let a person read a case; who may already still may."""
    row = {"case_id": case_id, "person": person, "named_by": by, "named_at": at}
    tx.execute(inserting(tx, case_readers).values(row).on_conflict_do_nothing())


def remove(tx: Connection, case_id: str, person: str, *, by: str, at: datetime) -> bool:
    """Take the right to read back; False where it was not given."""
    held = (case_readers.c.case_id == case_id) & (case_readers.c.person == person) & case_readers.c.removed_at.is_(None)
    return tx.execute(sa.update(case_readers).where(held).values(removed_by=by, removed_at=at)).rowcount > 0


def embargo(tx: Connection, case_id: str) -> datetime | None:
    """Until when the office does not see a case; None where there is no embargo. It may be over."""
    newest = (case_embargoes.c.case_id == case_id) & case_embargoes.c.replaced_at.is_(None)
    until: datetime | None = tx.execute(sa.select(case_embargoes.c.until).where(newest)).scalar_one_or_none()
    return until


def set_embargo(tx: Connection, case_id: str, until: datetime | None, *, by: str, at: datetime) -> None:
    """Set, move or lift (None) the embargo of a case. The caller holds a write transaction that nobody else's
    `set_embargo` of this case overlaps: the case's row is locked here."""
    tx.execute(sa.select(cases.c.id).where(cases.c.id == case_id).with_for_update())
    newest = (case_embargoes.c.case_id == case_id) & case_embargoes.c.replaced_at.is_(None)
    tx.execute(sa.update(case_embargoes).where(newest).values(replaced_at=at))
    tx.execute(sa.insert(case_embargoes).values(case_id=case_id, until=until, set_by=by, set_at=at))


def is_noted(tx: Connection, case_id: str, person: str, at: datetime) -> bool:
    """Whether it is recorded already that the person looked at the case in this hour."""
    same = (case_views.c.case_id == case_id) & (case_views.c.person == person) & (case_views.c.hour == _hour(at))
    return tx.execute(sa.select(case_views.c.id).where(same)).one_or_none() is not None


def note(tx: Connection, case_id: str, person: str, *, at: datetime, address: str) -> None:
    """The person looked at the case; once per hour."""
    row = {"case_id": case_id, "person": person, "hour": _hour(at), "at": at, "address": address[:60]}
    tx.execute(inserting(tx, case_views).values(row).on_conflict_do_nothing())


def looks(tx: Connection, *, case_id: str = "", limit: int) -> tuple[Look, ...]:
    """Who looked, the newest first; at one case, or at any."""
    number = sa.func.coalesce(cases.c.number, "")
    columns = (case_views.c.case_id, number, case_views.c.person, case_views.c.at, case_views.c.address)
    query = sa.select(*columns).join(cases, cases.c.id == case_views.c.case_id)
    if case_id:
        query = query.where(case_views.c.case_id == case_id)
    newest = query.order_by(case_views.c.at.desc(), case_views.c.id.desc()).limit(limit)
    return tuple(Look(*row) for row in tx.execute(newest))


def _hour(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()[:13]
