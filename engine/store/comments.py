"""Comments on the fields of proposals. A comment is never changed; that it is settled stands beside it."""

from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import comments


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody said about a field."""

    id: str
    case_id: str
    field: str
    person: str
    text: str
    at: datetime
    resolved_by: str | None = None
    resolved_at: datetime | None = None


def add(tx: Connection, one: Comment) -> None:
    """Keep a comment; twice is once."""
    values = asdict(one)
    tx.execute(inserting(tx, comments).values(values).on_conflict_do_nothing(index_elements=["id"]))


def of_case(tx: Connection, case_id: str) -> tuple[Comment, ...]:
    """The comments on a case, oldest first."""
    query = sa.select(comments).where(comments.c.case_id == case_id).order_by(comments.c.at, comments.c.id)
    return tuple(Comment(*row) for row in tx.execute(query))


def resolve(tx: Connection, id_: str, *, by: str, at: datetime) -> None:
    """Note that it is settled; who came first stays."""
    query = sa.update(comments).where(comments.c.id == id_, comments.c.resolved_at.is_(None))
    tx.execute(query.values(resolved_by=by, resolved_at=at))
