"""How far a case is, as counts: the hours in which customers first responded or converted.

Only customers to whom the case sent something count: those of the control group do what they do without it. Refuses to
say what was meant to be.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.tables import recipients, responses, waves

OUT = ("sent", "delivered", "unknown")
"""States of a recipient whose message went out and did not fail."""


def first_answers(tx: Connection, case_id: str, kind: str, *, until: datetime) -> dict[datetime, int]:
    """How many of the case's recipients did so for the first time in each hour, up to that moment."""
    each = (
        sa.select(responses.c.customer, sa.func.min(responses.c.at, type_=responses.c.at.type).label("at"))
        .where(responses.c.case_id == case_id, responses.c.kind == kind, responses.c.at <= until)
        .group_by(responses.c.customer)
        .subquery()
    )
    channels = sa.select(waves.c.channel).where(waves.c.case_id == case_id).distinct()
    names = tx.execute(channels).scalars().all()  # by name, or SQLite leaves the index of case, channel and customer
    got = sa.exists().where(
        recipients.c.case_id == case_id,
        recipients.c.channel.in_(names),
        recipients.c.customer == each.c.customer,
        recipients.c.state.in_(OUT),
    )
    hour = _hour(tx, each.c.at).label("hour")
    chosen = sa.select(hour, sa.func.count()).select_from(each).where(got).group_by(hour)
    return {_read(at): count for at, count in tx.execute(chosen)}


def _hour(tx: Connection, at: sa.ColumnElement[datetime]) -> sa.ColumnElement[str]:
    """The hour of a moment in UTC, as 2026-12-01T09."""
    if tx.dialect.name == "sqlite":
        return sa.func.substr(sa.cast(at, sa.String), 1, 13)
    return sa.func.to_char(sa.func.timezone("UTC", at), sa.text("'YYYY-MM-DD\"T\"HH24'"))


def _read(hour: str) -> datetime:
    return datetime.fromisoformat(f"{hour}:00").replace(tzinfo=UTC)
