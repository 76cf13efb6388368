"""The rows behind a figure of one case: who was written to, what became of it; what was recommended, what they said.

Refuses to hold addresses, and to ask who may see: the caller has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from engine.store.tables import recipients, recommendations


@dataclass(frozen=True, slots=True)
class Drilled:
    """One row: its place in the file of its wave, whose it is, how it stands, why, and since when."""

    wave: str
    row: int
    customer: str
    channel: str
    state: str
    reason: str
    at: datetime | None


def deliveries(
    tx: Connection,
    case_id: str,
    where: Mapping[str, Sequence[str]],
    *,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> list[Drilled]:
    """Messages of a case that left the house, or were to; `where` may name channels, cells, states."""
    one = recipients.c
    at = sa.func.coalesce(one.sent_at, one.settled_at, type_=one.sent_at.type)
    wanted = [one.case_id == case_id, *(one[name].in_(some) for name, some in where.items())]
    wanted += _between(at, since, until)
    columns = (one.wave, one.row, one.customer, one.channel, one.state, one.reason, at)
    chosen = sa.select(*columns).where(*wanted).order_by(one.wave, one.row).limit(limit)
    return [Drilled(*row) for row in tx.execute(chosen)]


def shown(
    tx: Connection,
    case_id: str,
    where: Mapping[str, Sequence[str]],
    *,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> list[Drilled]:
    """Recommendations of a case that a clerk saw; `where` may name halls, clerks, answers."""
    one = recommendations.c
    clerk = sa.case((one.answered_by != "", one.answered_by), else_=one.shown_by)
    fields = {"hall": one.office, "clerk": clerk, "answer": one.answer}
    wanted = [one.case_id == case_id, *(fields[name].in_(some) for name, some in where.items())]
    wanted += _between(one.shown_at, since, until)
    columns = (one.wave, one.row, one.customer, sa.literal("hall"), one.answer, one.reason, one.shown_at)
    chosen = sa.select(*columns).where(*wanted).order_by(one.wave, one.row).limit(limit)
    return [Drilled(*row) for row in tx.execute(chosen)]


def _between(at: ColumnElement[datetime], since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    return [*([at >= since] if since else []), *([at < until] if until else [])]
