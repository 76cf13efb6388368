"""Replies (上行) of customers as rows: masked sender, sealed text, the message that they answer.

Refuses to keep a reply twice: its reference is the gateway's own, or made from what it says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from engine.store.session import inserting
from engine.store.tables import cases, replies

SHOWN = 50
CASES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ReplyRow:
    """One reply; `text` is sealed, `shown` the masked sender."""

    reference: str
    case_id: str
    wave: str
    row: int
    customer: str
    shown: str
    meaning: str
    text: str
    at: datetime


def keep(tx: Connection, row: ReplyRow, *, at: datetime) -> bool:
    """Write a reply that is not there yet; False where it is."""
    values = {name: getattr(row, name) for name in row.__dataclass_fields__} | {"taken_at": at}
    fresh = inserting(tx, replies).values(values).on_conflict_do_nothing().returning(replies.c.reference)
    return tx.execute(fresh).first() is not None


def known(tx: Connection, references: Sequence[str]) -> frozenset[str]:
    """Those of the references that are kept."""
    chosen = sa.select(replies.c.reference).where(replies.c.reference.in_(references))
    return frozenset(tx.execute(chosen).scalars())


def of_case(tx: Connection, case_id: str, *, limit: int = SHOWN) -> tuple[Row[Any], ...]:
    """The newest replies to a case, those first that nobody has read."""
    chosen = sa.select(replies).where(replies.c.case_id == case_id)
    is_read = sa.case((replies.c.read_at.is_(None), 0), else_=1)
    return tuple(tx.execute(chosen.order_by(is_read, replies.c.at.desc(), replies.c.reference).limit(limit)))


def counts(tx: Connection, case_id: str) -> dict[str, int]:
    """How many replies of each meaning the case has, and how many of all are `unread`."""
    unread = sa.func.count(sa.case((replies.c.read_at.is_(None), 1)))
    chosen = sa.select(replies.c.meaning, sa.func.count(), unread).where(replies.c.case_id == case_id)
    rows = tx.execute(chosen.group_by(replies.c.meaning)).all()
    return {meaning: count for meaning, count, _ in rows} | {"unread": sum(row[2] for row in rows)}


@dataclass(frozen=True, slots=True)
class Unread:
    """A case with replies that its submitter has not read, and how many."""

    case_id: str
    number: str | None
    title: str | None
    count: int


def unread_of(tx: Connection, person: str) -> tuple[Unread, ...]:
    """The cases of a submitter with replies that nobody has read, the newest reply first; CASES_SHOWN at most."""
    newest = sa.func.max(replies.c.at)
    chosen = (
        sa.select(cases.c.id, cases.c.number, cases.c.title, sa.func.count())
        .join(replies, replies.c.case_id == cases.c.id)
        .where(cases.c.submitter == person, replies.c.read_at.is_(None))
        .group_by(cases.c.id, cases.c.number, cases.c.title)
        .order_by(newest.desc(), cases.c.id)
        .limit(CASES_SHOWN)
    )
    return tuple(Unread(*row) for row in tx.execute(chosen))


def mark_read(tx: Connection, case_id: str, *, by: str, at: datetime) -> int:
    """Somebody has read the case's replies; how many were new to them."""
    here = (replies.c.case_id == case_id) & replies.c.read_at.is_(None)
    return tx.execute(sa.update(replies).where(here).values(read_at=at, read_by=by)).rowcount
