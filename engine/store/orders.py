"""Orders (订购) as rows, with the evidence that the customer confirmed them.

Who moves an order: it comes `unconfirmed` and is `counted` when its evidence comes, or `late` where its case takes
nothing in any more. Refuses to move one back: evidence that is there stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import orders

AT_ONCE = 5_000
OrderState = Literal["counted", "unconfirmed", "late"]


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order. `how`, `confirmed_at` and `confirmation` say how the customer confirmed it, when, and where that is
    written; empty and None while nobody has said so."""

    case_id: str
    reference: str
    customer: str
    at: datetime
    value: Decimal | None
    how: str
    confirmed_at: datetime | None
    confirmation: str
    state: OrderState


def keep(tx: Connection, row: OrderRow, *, at: datetime) -> bool:
    """Write an order that is not there, or the evidence of one that had none; False where nothing changed."""
    statement = _keeping(inserting(tx, orders).values(_values(row, at)), row.state)
    return tx.execute(statement.returning(orders.c.reference)).first() is not None


def keep_many(tx: Connection, rows: Sequence[OrderRow], *, at: datetime) -> None:
    """The same for many orders of one state."""
    for first in range(0, len(rows), AT_ONCE):
        statement = _keeping(inserting(tx, orders), rows[0].state)
        tx.execute(statement, [_values(row, at) for row in rows[first : first + AT_ONCE]])


def _values(row: OrderRow, at: datetime) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__} | {"taken_at": at}


def _keeping(insert: Any, state: OrderState) -> Any:
    if state == "unconfirmed":
        return insert.on_conflict_do_nothing()
    fresh = {name: insert.excluded[name] for name in ("how", "confirmed_at", "confirmation", "state", "taken_at")}
    return insert.on_conflict_do_update(
        index_elements=["case_id", "reference"], set_=fresh, where=orders.c.state == "unconfirmed"
    )


def customers_of(tx: Connection, case_id: str, references: Sequence[str]) -> dict[str, str]:
    """Whose the orders with these references are, as far as they are known."""
    chosen = sa.select(orders.c.reference, orders.c.customer)
    found = tx.execute(chosen.where(orders.c.case_id == case_id, orders.c.reference.in_(references)))
    return {row.reference: row.customer for row in found}


def counts(tx: Connection, case_id: str, *, since: datetime | None) -> dict[str, int]:
    """How many orders of a case are in each state; `after`: of those counted, how many came after `since`."""
    after = sa.func.count(sa.case((orders.c.taken_at > since, 1))) if since else sa.literal(0)
    chosen = sa.select(orders.c.state, sa.func.count(), after).where(orders.c.case_id == case_id)
    rows = tx.execute(chosen.group_by(orders.c.state)).all()
    after_all = sum(row[2] for row in rows if row[0] == "counted")
    return {state: count for state, count, _ in rows} | {"after": after_all}
