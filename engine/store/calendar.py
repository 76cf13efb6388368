"""The operator's own working days, above the calendar of the library.

A change raises the organisation's revision, so that every process is bound to the new calendar before it decides
anything. Which calendar open deadlines are counted by is noted, so that whatever changes it (the table, the notices
that a release knows, the office hours) is noticed. Refuses nothing: rows are read and judged before they come here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import organisation, workdays


@dataclass(frozen=True, slots=True)
class OwnDay:
    """A day and whether people work on it."""

    day: date
    working: bool
    note: str = ""


def load(tx: Connection, year: int | None = None) -> tuple[OwnDay, ...]:
    """All days of the table (of `year`), in order."""
    query = sa.select(workdays.c.day, workdays.c.working, workdays.c.note).order_by(workdays.c.day)
    if year is not None:
        query = query.where(workdays.c.day.between(f"{year:04}-01-01", f"{year:04}-12-31"))
    return tuple(OwnDay(date.fromisoformat(row.day), row.working, row.note) for row in tx.execute(query))


def keep(tx: Connection, days: Iterable[OwnDay]) -> None:
    """Put these days into the table; a day that is there gets the new value."""
    rows = [{"day": one.day.isoformat(), "working": one.working, "note": one.note} for one in days]
    for row in rows:
        upsert = inserting(tx, workdays).values(row)
        tx.execute(upsert.on_conflict_do_update(index_elements=["day"], set_=row))
    if rows:
        tx.execute(sa.update(organisation).values(revision=organisation.c.revision + 1))


def counted_by(tx: Connection) -> str:
    """The fingerprint of the calendar by which open deadlines are counted; empty before they first were."""
    return tx.execute(sa.select(organisation.c.counted_by)).scalar_one() or ""


def note_counted(tx: Connection, fingerprint: str) -> None:
    """All open deadlines are counted by this calendar now."""
    tx.execute(sa.update(organisation).values(counted_by=fingerprint))
