"""What customers of a case answered, each beside the message of the case that it answers.

A response answers a message that left for its customer before it; without one it stands alone. Refuses to say what
follows from that: the warehouse counts, the evaluation judges.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.columns import UtcTime
from engine.store.reports import AT_ONCE, left_the_house, was_shown
from engine.store.tables import recipients, recommendations, responses, waves


@dataclass(frozen=True, slots=True)
class Answer:
    """A response or conversion. `wave` is that of the message it answers, empty where none was before it; `office` the
    hall that showed it, empty where none did."""

    customer: str
    kind: str
    at: datetime
    value: Decimal | None
    wave: str
    office: str


def first_start(tx: Connection, case_id: str) -> datetime | None:
    """When the first wave of the case began; None before."""
    return tx.execute(
        sa.select(sa.func.min(waves.c.started_at, type_=UtcTime())).where(waves.c.case_id == case_id)
    ).scalar()


def answers_of(
    tx: Connection, case_id: str, *, since: datetime, until: datetime, is_first: bool = False
) -> Iterator[Answer]:
    """Every response and conversion in that time, streamed. Of several messages before it, it answers the last, or the
    one that `is_first`."""
    channels = sa.select(waves.c.channel).where(waves.c.case_id == case_id).distinct()
    names = tx.execute(channels).scalars().all()  # by name, or SQLite leaves the index of case, channel and customer
    moment = sa.func.coalesce(recipients.c.sent_at, recipients.c.settled_at, type_=UtcTime())
    answered = sa.and_(
        recipients.c.case_id == responses.c.case_id,
        recipients.c.channel.in_(names),
        recipients.c.customer == responses.c.customer,
        left_the_house(),
        moment <= responses.c.at,
    )
    rows = responses.outerjoin(recipients, answered)
    office: sa.ColumnElement[str] = sa.literal("", sa.String)
    if was_shown(tx, case_id):
        shown = (recommendations.c.wave == recipients.c.wave) & (recommendations.c.row == recipients.c.row)
        rows, office = rows.outerjoin(recommendations, shown), sa.func.coalesce(recommendations.c.office, "")
    place = sa.func.row_number().over(
        partition_by=(responses.c.kind, responses.c.reference),
        order_by=(moment if is_first else moment.desc(), recipients.c.wave),
    )
    each = (
        sa.select(
            responses.c.customer,
            responses.c.kind,
            responses.c.at,
            responses.c.value,
            sa.func.coalesce(recipients.c.wave, "").label("wave"),
            office.label("office"),
            place.label("place"),
        )
        .select_from(rows)
        .where(
            responses.c.case_id == case_id,
            responses.c.kind.in_(("response", "conversion")),
            responses.c.at >= since,
            responses.c.at <= until,
        )
        .subquery()
    )
    columns = [each.c[name] for name in ("customer", "kind", "at", "value", "wave", "office")]
    chosen = sa.select(*columns).where(each.c.place == 1).execution_options(yield_per=AT_ONCE)
    for customer, kind, at, value, wave, hall in tx.execute(chosen):
        yield Answer(customer, kind, at, None if value is None else Decimal(value), wave, hall)
