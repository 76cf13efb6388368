"""Versions of the house's cost table, and what waves sent on the days between changes of a price.

Refuses to know prices: it counts messages and segments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.evaluation.cost_table import CostLine, CostTable
from engine.store.columns import UtcTime
from engine.store.reports import left_the_house
from engine.store.tables import cost_tables, recipients, sent_segments
from engine.store.versions import Proposed, Versions
from engine.values import canonical_json


@dataclass(frozen=True, slots=True)
class CostTableRow(Proposed):
    """A table of prices, which may have none: that ends the one before."""

    table: CostTable


@dataclass(frozen=True, slots=True)
class Between:
    """Messages of a wave that left the house in the `period`th period, from 0, and how many of them arrived."""

    wave: str
    period: int
    contacted: int
    delivered: int


def _read(row: Mapping[str, Any]) -> dict[str, object]:
    return {"table": CostTable(row["currency"], msgspec.json.decode(row["lines"], type=tuple[CostLine, ...]))}


def _row(*, currency: str, lines: str, table: CostTable, **more: Any) -> CostTableRow:
    del currency, lines  # both are in the table
    return CostTableRow(table=table, **more)


COST_TABLES = Versions(cost_tables, _row, _read)


def columns_of(table: CostTable) -> dict[str, object]:
    """A table as the columns of its row."""
    return {"currency": table.currency, "lines": canonical_json([asdict(one) for one in table.lines]).decode()}


def in_force(tx: Connection, at: datetime) -> CostTableRow | None:
    """The version that holds at `at`; None also where it has no prices."""
    row = COST_TABLES.in_force(tx, at)
    return None if row is None or not row.table.lines else row


def sent_between(tx: Connection, case_id: str, changes: Sequence[datetime]) -> tuple[Between, ...]:
    """The messages that left the house, or may have, by wave and period: the first ends at the first of `changes`,
    which are in order. What nobody knows to be sent counts when it was settled."""
    moment = sa.func.coalesce(recipients.c.sent_at, recipients.c.settled_at, type_=UtcTime())
    ends = [(moment < change, n) for n, change in enumerate(changes)]
    period = sa.case(*ends, else_=len(ends)) if ends else sa.literal(0)
    rows = (
        sa.select(
            recipients.c.wave.label("wave"),
            period.label("period"),
            sa.case((recipients.c.state == "delivered", 1), else_=0).label("arrived"),
        )
        .where(recipients.c.case_id == case_id, left_the_house())
        .subquery()
    )
    chosen = (
        sa.select(rows.c.wave, rows.c.period, sa.func.count(), sa.func.sum(rows.c.arrived))
        .group_by(rows.c.wave, rows.c.period)
        .order_by(rows.c.wave, rows.c.period)
    )
    return tuple(Between(wave, n, contacted, int(arrived)) for wave, n, contacted, arrived in tx.execute(chosen))


def segments_by_day(tx: Connection, some: Sequence[str]) -> Mapping[str, Mapping[date, int]]:
    """The segments of these waves by the day of the house on which they were sent."""
    found: dict[str, dict[date, int]] = {}
    chosen = sa.select(sent_segments).where(sent_segments.c.wave.in_(some))
    for wave, day, segments in tx.execute(chosen):
        found.setdefault(wave, {})[date.fromisoformat(day)] = int(segments)
    return found
