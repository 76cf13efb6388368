"""What cases were submitted with, so that several of one office just under a limit are seen (拆分).

One office's submissions of one definition are looked at and recorded one after the other: of two at once, the later one
sees the earlier one. Refuses to judge: what is close to which limit comes as figures.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import cases, submitted_amounts

NAMED = 20
WITHOUT_EFFECT = ("rejected", "withdrawn", "cancelled", "voided", "expired")
_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:scope, 7))")


@dataclass(frozen=True, slots=True)
class Near:
    """How many other cases there are, their sum, and the newest of them (20 at most)."""

    count: int
    total: Decimal
    cases: tuple[str, ...]


def take_turns(tx: Connection, definition: str, office: str) -> None:
    """Wait for other submissions of this office; until the transaction ends they wait for this one."""
    if tx.dialect.name == "postgresql":  # SQLite lets one writer in anyway
        tx.execute(_LOCK, {"scope": f"{definition}:{office}"})


def near(
    tx: Connection, case_id: str, *, definition: str, office: str, since: datetime, lowest: Decimal, limit: Decimal
) -> Near:
    """The other cases that were submitted since then with an amount from `lowest` up to `limit` and still count."""
    wanted = sa.and_(
        submitted_amounts.c.definition == definition,
        submitted_amounts.c.office == office,
        submitted_amounts.c.at >= since,
        submitted_amounts.c.hundredths.between(_hundredths(lowest, ROUND_CEILING), _hundredths(limit, ROUND_FLOOR)),
        submitted_amounts.c.case_id != case_id,
        cases.c.state.not_in(WITHOUT_EFFECT),
    )
    joined = submitted_amounts.join(cases, cases.c.id == submitted_amounts.c.case_id)
    count, total = tx.execute(
        sa.select(sa.func.count(), sa.func.sum(submitted_amounts.c.hundredths)).select_from(joined).where(wanted)
    ).one()
    newest = sa.select(submitted_amounts.c.case_id).select_from(joined).where(wanted)
    newest = newest.order_by(submitted_amounts.c.at.desc(), submitted_amounts.c.case_id).limit(NAMED)
    return Near(count, Decimal(total or 0) / 100, tuple(tx.execute(newest).scalars()) if count else ())


def put(
    tx: Connection, case_id: str, *, definition: str, office: str, amount: Decimal, at: datetime, flagged: bool
) -> None:
    """Keep what the case is submitted with now, instead of what it was submitted with before."""
    row: dict[str, object] = {"definition": definition, "office": office, "at": at, "flagged": flagged}
    row["hundredths"] = _hundredths(amount, ROUND_FLOOR)
    upsert = inserting(tx, submitted_amounts).values(case_id=case_id, **row)
    tx.execute(upsert.on_conflict_do_update(index_elements=["case_id"], set_=row))


def change(tx: Connection, case_id: str, amount: Decimal) -> None:
    """Keep another amount for a case that was submitted; its time stays."""
    row = sa.update(submitted_amounts).where(submitted_amounts.c.case_id == case_id)
    tx.execute(row.values(hundredths=_hundredths(amount, ROUND_FLOOR)))


def flagged(tx: Connection, case_ids: Iterable[str]) -> frozenset[str]:
    """Those of these cases that stood just under a limit beside others."""
    ids = list(dict.fromkeys(case_ids))
    query = sa.select(submitted_amounts.c.case_id).where(
        submitted_amounts.c.case_id.in_(ids), submitted_amounts.c.flagged
    )
    return frozenset(tx.execute(query).scalars()) if ids else frozenset()


def _hundredths(amount: Decimal, rounding: str) -> int:
    return int((amount * 100).to_integral_value(rounding))
