"""What is mailed of saved views: when, in which form, to whom; and which mailings are due.

A period is taken in the transaction that queues its mails, so it is queued once whoever looks first.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from engine.store.tables import mailing_recipients, mailings, saved_views


@dataclass(frozen=True, slots=True)
class Mailing:
    """A mailing as stored. `recipients` are those who did not decline; `day` is of the week (0 is Monday) or of the
    month."""

    id: int
    view: int
    every: str
    day: int
    at: str
    zone: str
    workdays: bool
    form: str
    state: str
    reason: str
    next_at: datetime
    made_by: str
    owner: str
    recipients: tuple[str, ...] = ()


_COLUMNS = (
    *(
        mailings.c[name]
        for name in ("id", "view", "every", "day", "at", "zone", "workdays", "form", "state", "reason", "next_at")
    ),
    mailings.c.made_by,
    saved_views.c.owner,
)


def find(tx: Connection, number: int) -> Mailing | None:
    """The mailing, or None."""
    return next(iter(_read(tx, mailings.c.id == number)), None)


def made_under(tx: Connection, key: str) -> Mailing | None:
    """The mailing that this request made before, or None."""
    return next(iter(_read(tx, mailings.c.made_by == key)), None)


def of_owner(tx: Connection, person: str) -> tuple[Mailing, ...]:
    """Those of a person's own views."""
    return _read(tx, saved_views.c.owner == person)


def to_person(tx: Connection, person: str) -> tuple[Mailing, ...]:
    """Those that a person gets."""
    gets = (mailing_recipients.c.person == person) & mailing_recipients.c.left_at.is_(None)
    return _read(tx, mailings.c.id.in_(sa.select(mailing_recipients.c.mailing).where(gets)))


def add(tx: Connection, values: dict[str, Any], recipients: Collection[str]) -> int:
    """Add one; its number."""
    number: int = tx.execute(sa.insert(mailings).values(values).returning(mailings.c.id)).scalar_one()
    tx.execute(sa.insert(mailing_recipients), [{"mailing": number, "person": person} for person in recipients])
    return number


def set_state(tx: Connection, number: int, state: str, *, reason: str = "", next_at: datetime | None = None) -> None:
    """Switch it on or off, or stop it with the reason."""
    values: dict[str, Any] = {"state": state, "reason": reason}
    values |= {"next_at": next_at} if next_at is not None else {}
    tx.execute(sa.update(mailings).where(mailings.c.id == number).values(values))


def remove(tx: Connection, number: int) -> None:
    """Take it away."""
    tx.execute(sa.delete(mailing_recipients).where(mailing_recipients.c.mailing == number))
    tx.execute(sa.delete(mailings).where(mailings.c.id == number))


def decline(tx: Connection, number: int, person: str, at: datetime) -> bool:
    """A recipient wants it no longer. False where they do not get it."""
    own = (mailing_recipients.c.mailing == number) & (mailing_recipients.c.person == person)
    gets = own & mailing_recipients.c.left_at.is_(None)
    return bool(tx.execute(sa.update(mailing_recipients).where(gets).values(left_at=at)).rowcount)


def due(tx: Connection, now: datetime, *, limit: int) -> tuple[Mailing, ...]:
    """Mailings whose period has come, the longest waiting first. Who takes one says so by `move_on`."""
    query = (
        sa.select(mailings.c.id)
        .where(sa.text("mailings.state='active'"), mailings.c.next_at <= now)
        .order_by(mailings.c.next_at, mailings.c.id)
        .limit(limit)
    )
    numbers = list(tx.execute(query).scalars())
    return _read(tx, mailings.c.id.in_(numbers)) if numbers else ()


def move_on(tx: Connection, number: int, was: datetime, next_at: datetime) -> bool:
    """The period `was` is queued and `next_at` the next. False where another process did it, or it was ended."""
    here = (mailings.c.id == number) & (mailings.c.next_at == was) & (mailings.c.state == "active")
    return bool(tx.execute(sa.update(mailings).where(here).values(next_at=next_at)).rowcount)


def _read(tx: Connection, *parts: ColumnElement[bool]) -> tuple[Mailing, ...]:
    joined = sa.select(*_COLUMNS).join(saved_views, saved_views.c.id == mailings.c.view)
    rows = tx.execute(joined.where(*parts).order_by(mailings.c.id)).all()
    readers: dict[int, list[str]] = {row.id: [] for row in rows}
    if rows:
        wanted = mailing_recipients.c.mailing.in_(list(readers)) & mailing_recipients.c.left_at.is_(None)
        query = sa.select(mailing_recipients).where(wanted).order_by(mailing_recipients.c.person)
        for row in tx.execute(query):
            readers[row.mailing].append(row.person)
    return tuple(Mailing(*(*row, tuple(readers[row.id]))) for row in rows)
