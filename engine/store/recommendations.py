"""Recommendations (营业厅推荐) as rows: those of the ledger that wait in the halls, and what clerks saw and wrote down.

A row here begins when a clerk sees the recommendation. Refuses to settle the ledger's row, and to know who may see
which: that is the service's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store import ledger, moves
from engine.store.session import inserting
from engine.store.tables import cases, recipients, recommendations, waves

Answer = Literal["", "accept", "refuse", "later"]
PLACED = ("running", "gated", "done")
"""States of a wave whose rows may be worked."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A row of the ledger that waits for its customer, and what was said of it so far. `office` and the rest are empty
    where no clerk has seen it."""

    wave: str
    row: int
    case_id: str
    customer: str
    cell: str
    state: str
    placed_at: datetime
    shown_by: str
    shown_at: datetime | None
    answer: Answer
    answered_by: str
    answered_at: datetime | None
    again_at: datetime | None
    confirmed_by: str = ""
    evidence: str = ""
    value: Decimal | None = None
    proved_by: str = ""
    proved_at: datetime | None = None

    @property
    def id(self) -> str:
        """ "<wave>.<row>", as every message is called."""
        return f"{self.wave}.{self.row}"


_HERE = sa.and_(recommendations.c.wave == recipients.c.wave, recommendations.c.row == recipients.c.row)
_COLUMNS = (
    recipients.c.wave,
    recipients.c.row,
    recipients.c.case_id,
    recipients.c.customer,
    recipients.c.cell,
    recipients.c.state,
    recipients.c.sent_at,
    sa.func.coalesce(recommendations.c.shown_by, ""),
    recommendations.c.shown_at,
    sa.func.coalesce(recommendations.c.answer, ""),
    sa.func.coalesce(recommendations.c.answered_by, ""),
    recommendations.c.answered_at,
    recommendations.c.again_at,
    sa.func.coalesce(recommendations.c.confirmed_by, ""),
    sa.func.coalesce(recommendations.c.evidence, ""),
    recommendations.c.value,
    sa.func.coalesce(recommendations.c.proved_by, ""),
    recommendations.c.proved_at,
)
_IS_UNPROVED = sa.and_(recommendations.c.answer == "accept", recommendations.c.evidence == "")


def waiting_for(tx: Connection, customer: str, channel: str) -> tuple[Placed, ...]:
    """The placed rows of a customer that have no end yet, of cases that are delivering; the oldest first. Asked case by
    case, because the ledger's index begins with the case."""
    asked = (
        sa.select(waves.c.case_id)
        .join(cases, cases.c.id == waves.c.case_id)
        .where(waves.c.channel == channel, waves.c.state.in_(PLACED), cases.c.state == "delivering")
        .distinct()
        .subquery()
    )
    chosen = (
        sa.select(*_COLUMNS)
        .select_from(recipients)
        .join(asked, asked.c.case_id == recipients.c.case_id)
        .join(waves, waves.c.id == recipients.c.wave)
        .outerjoin(recommendations, _HERE)
        .where(
            recipients.c.channel == channel,
            recipients.c.customer == customer,
            recipients.c.state == "sent",
            waves.c.state.in_(PLACED),
        )
        .order_by(recipients.c.sent_at, recipients.c.wave)
    )
    return tuple(Placed(*row) for row in tx.execute(chosen))


def find(tx: Connection, wave: str, row: int) -> Placed | None:
    """One row that a clerk has seen, whatever its state; None where nobody has, or there is none."""
    chosen = sa.select(*_COLUMNS).select_from(recipients).join(recommendations, _HERE)
    found = tx.execute(chosen.where(recipients.c.wave == wave, recipients.c.row == row)).one_or_none()
    return None if found is None else Placed(*found)


def unproved_of_customer(tx: Connection, customer: str) -> tuple[Placed, ...]:
    """What the customer accepted without evidence that they did, the newest first."""
    return _unproved(tx, recommendations.c.customer == customer, 20)


def unproved_of_case(tx: Connection, case_id: str, limit: int) -> tuple[Placed, ...]:
    """What was accepted in the halls without evidence, of a case; the newest first, at most so many."""
    return _unproved(tx, recommendations.c.case_id == case_id, limit)


def _unproved(tx: Connection, where: sa.ColumnElement[bool], limit: int) -> tuple[Placed, ...]:
    chosen = sa.select(*_COLUMNS).select_from(recipients).join(recommendations, _HERE).where(_IS_UNPROVED, where)
    ordered = chosen.order_by(recommendations.c.answered_at.desc(), recommendations.c.wave, recommendations.c.row)
    return tuple(Placed(*row) for row in tx.execute(ordered.limit(limit)))


def count_unproved(tx: Connection, case_id: str) -> int:
    """How many acceptances of a case have no evidence."""
    chosen = sa.select(sa.func.count()).select_from(recommendations)
    return int(tx.execute(chosen.where(_IS_UNPROVED, recommendations.c.case_id == case_id)).scalar_one())


def note_shown(tx: Connection, some: Sequence[Placed], *, office: str, by: str, at: datetime) -> None:
    """Write down that these were seen; the first time counts."""
    rows = [
        {
            "wave": one.wave,
            "row": one.row,
            "case_id": one.case_id,
            "customer": one.customer,
            "shown_by": by,
            "shown_at": at,
            "office": office,
        }
        for one in some
    ]
    if rows:
        tx.execute(inserting(tx, recommendations).on_conflict_do_nothing(), rows)


def note_answer(tx: Connection, wave: str, row: int, **values: Any) -> None:
    """Write down what was said of a row that somebody has seen."""
    here = (recommendations.c.wave == wave) & (recommendations.c.row == row)
    tx.execute(sa.update(recommendations).where(here).values(**values))


@dataclass(frozen=True, slots=True)
class Left:
    """A placed row whose time is over, and since when somebody saw it."""

    row: int
    customer: str
    shown_at: datetime | None
    answered_at: datetime | None
    answer: Answer


def left_over(tx: Connection, wave: str, *, placed_before: datetime, limit: int) -> tuple[Left, ...]:
    """Rows of a wave that were placed before that and still have no end; in order, at most so many."""
    chosen = (
        sa.select(
            recipients.c.row,
            recipients.c.customer,
            recommendations.c.shown_at,
            recommendations.c.answered_at,
            sa.func.coalesce(recommendations.c.answer, ""),
        )
        .select_from(recipients)
        .outerjoin(recommendations, _HERE)
        .where(recipients.c.wave == wave, recipients.c.state == "sent", recipients.c.sent_at <= placed_before)
        .order_by(recipients.c.row)
        .limit(limit)
    )
    return tuple(Left(*row) for row in tx.execute(chosen))


def counts(tx: Connection, case_id: str) -> dict[str, int]:
    """How many recommendations of a case were seen and have which answer; "" were seen and have none."""
    chosen = sa.select(recommendations.c.answer, sa.func.count()).where(recommendations.c.case_id == case_id)
    return {row[0]: row[1] for row in tx.execute(chosen.group_by(recommendations.c.answer))}


def settle(
    tx: Connection, wave: str, rows: Sequence[int], *, state: moves.RecipientState, reason: str, at: datetime
) -> None:
    """Give placed rows their end. The caller holds the wave's lock."""
    words = reason[: ledger.LONGEST_REASON]
    moves.move(tx, wave, moves.one_of(tx, rows), come_from="sent", to=state, reason=words, settled_at=at)
