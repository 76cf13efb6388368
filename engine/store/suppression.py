"""Suppression lists (black and grey): who must not be contacted, since when, why, until when.

They live in the case database because an entry holds from the moment it is made: a selection takes a snapshot of them,
and every chunk of a wave asks again before it is sent. Entries are ended, not deleted, so that a snapshot of a past
day can be explained. Refuses an entry without a reason.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy import Connection, Row

from engine.errors import InvalidFile, Problem
from engine.store.session import inserting
from engine.store.tables import suppressions
from engine.store.waivers import is_waived

SuppressionList = Literal["black", "grey"]
ROWS_AT_ONCE = 500
WAIVED = "(waived)"
"""The channel of an entry in a case's snapshot that is waived for the case."""
SCHEMA = pa.schema(
    [("customer", pa.string()), ("channel", pa.string()), ("reason", pa.string()), ("since", pa.timestamp("us"))]
)


@dataclass(frozen=True, slots=True)
class Suppression:
    """One entry. An empty channel stands for every channel; without `expires_at` it holds until it is ended."""

    list: SuppressionList
    customer: str
    reason: str
    channel: str = ""
    expires_at: datetime | None = None


def add(tx: Connection, entries: Iterable[Suppression], *, by: str, at: datetime) -> int:
    """Put customers on a list; one who is there already gets the new reason and end. Returns how many entries."""
    rows = {
        (one.list, one.customer, one.channel): {
            "list": one.list,
            "customer": one.customer,
            "channel": one.channel,
            "reason": one.reason,
            "added_by": by,
            "added_at": at,
            "expires_at": one.expires_at,
        }
        for one in entries
    }
    if any(not row["reason"] for row in rows.values()):
        raise InvalidFile([Problem(code="D111", message="a suppression needs a reason", at="reason")])
    values = list(rows.values())
    for first in range(0, len(values), ROWS_AT_ONCE):
        insert = inserting(tx, suppressions).values(values[first : first + ROWS_AT_ONCE])
        fresh = {name: insert.excluded[name] for name in ("reason", "added_by", "added_at", "expires_at")}
        tx.execute(insert.on_conflict_do_update(index_elements=["list", "customer", "channel"], set_=fresh))
    return len(values)


def expire(tx: Connection, kind: SuppressionList, customer: str, *, at: datetime, channel: str = "") -> bool:
    """End an entry at `at`; False where none was in force."""
    here = (suppressions.c.list == kind) & (suppressions.c.customer == customer) & (suppressions.c.channel == channel)
    ended = sa.update(suppressions).where(here, _in_force(at)).values(expires_at=at)
    return tx.execute(ended).rowcount > 0


def suppressed(
    tx: Connection, customers: Sequence[str], now: datetime, *, channel: str = "", case_id: str = ""
) -> set[str]:
    """Those of `customers` who must not be contacted now, over `channel` (empty: over any). Grey entries that are
    waived for the case do not count."""
    found: set[str] = set()
    holds = sa.not_(is_waived(case_id)) if case_id else sa.true()
    everywhere = suppressions.c.channel == ""
    scope = sa.or_(everywhere, suppressions.c.channel == channel) if channel else sa.true()
    for first in range(0, len(customers), ROWS_AT_ONCE):
        some = customers[first : first + ROWS_AT_ONCE]
        query = sa.select(suppressions.c.customer).where(
            suppressions.c.customer.in_(some), _in_force(now), scope, holds
        )
        found.update(tx.execute(query).scalars())
    return found


def of_customer(tx: Connection, customer: str) -> tuple[Row[Any], ...]:
    """Every entry of a customer, those that ended too: list, channel, reason, added_by, added_at, expires_at."""
    query = sa.select(suppressions).where(suppressions.c.customer == customer)
    return tuple(tx.execute(query.order_by(suppressions.c.list, suppressions.c.channel)))


def counts(tx: Connection, now: datetime) -> dict[str, int]:
    """How many entries of each list are in force."""
    query = sa.select(suppressions.c.list, sa.func.count()).where(_in_force(now)).group_by(suppressions.c.list)
    return {row[0]: row[1] for row in tx.execute(query)}


def has_reason(tx: Connection, kind: SuppressionList, reason: str, now: datetime) -> bool:
    """Whether an entry in force has exactly this reason."""
    here = (suppressions.c.list == kind) & (suppressions.c.reason == reason)
    return tx.execute(sa.select(sa.literal(1)).where(here, _in_force(now)).limit(1)).first() is not None


def snapshot(tx: Connection, kind: SuppressionList, path: Path, *, at: datetime, case_id: str = "") -> int:
    """Write the list as it holds at `at` to a Parquet file, ordered: the same entries are the same bytes. An entry that
    is waived for the case stands in it for the channel WAIVED, which no message goes over: it removes nobody."""
    waived = is_waived(case_id) if case_id else sa.false()
    channel = sa.case((waived, sa.literal(WAIVED)), else_=suppressions.c.channel)
    columns = (suppressions.c.customer, channel, suppressions.c.reason, suppressions.c.added_at)
    query = sa.select(*columns).where(suppressions.c.list == kind, _in_force(at), suppressions.c.added_at <= at)
    # sorted here, because two databases collate two ways; times as the dataset has them: UTC without a zone
    rows = sorted((*row[:3], row[3].astimezone(UTC).replace(tzinfo=None)) for row in tx.execute(query))
    columns_of_rows = [pa.array([row[n] for row in rows], field.type) for n, field in enumerate(SCHEMA)]
    pq.write_table(pa.table(columns_of_rows, schema=SCHEMA), path)
    return len(rows)


def _in_force(at: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(suppressions.c.expires_at.is_(None), suppressions.c.expires_at > at)
