"""Responses and evaluations as rows, and the sums of the ledger that a report needs.

A response is known by its case, kind and the source's reference: importing it again changes nothing. An evaluation is
written once per label and never changed; a later look is another label. Refuses to join rows with a frozen list: lists
are files, and DuckDB joins them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store import visibility
from engine.store.ledger import REJECTED
from engine.store.moves import by_index, is_capped
from engine.store.session import inserting
from engine.store.tables import cases, evaluations, recipients, recommendations, responses, wave_sums, waves

AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class ResponseRow:
    """One thing a customer did."""

    customer: str
    kind: str
    at: datetime
    value: Decimal | None
    reference: str


@dataclass(frozen=True, slots=True)
class Contacts:
    """Messages of one cell in one wave: how many the ledger has, how many left the house and how many of them arrived.
    `office` is that of the hall which showed it, empty where no hall did."""

    wave: str
    cell: str
    contacted: int
    delivered: int
    planned: int = 0
    office: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """An evaluation as it was written."""

    label: str
    as_of: datetime
    report: str
    digest: str


def record_responses(tx: Connection, case_id: str, rows: Sequence[ResponseRow]) -> int:
    """Write the responses that are not there yet; how many were new."""
    statement = inserting(tx, responses).on_conflict_do_nothing()
    before = _count(tx, case_id)
    for start in range(0, len(rows), AT_ONCE):
        tx.execute(statement, [_values(tx, case_id, row) for row in rows[start : start + AT_ONCE]])
    return _count(tx, case_id) - before


def record_response(tx: Connection, case_id: str, row: ResponseRow) -> bool:
    """Write one response; False where it is there. For what comes one by one: it counts no rows of the case."""
    fresh = inserting(tx, responses).values(_values(tx, case_id, row)).on_conflict_do_nothing()
    return tx.execute(fresh.returning(responses.c.reference)).first() is not None


def _values(tx: Connection, case_id: str, row: ResponseRow) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "customer": row.customer,
        "kind": row.kind,
        "at": row.at,
        "value": row.value if row.value is None or tx.dialect.name != "sqlite" else f"{row.value:.2f}",
        "reference": row.reference,
    }


def take_back(tx: Connection, case_id: str, kind: str, reference: str) -> None:
    """It was no customer who did it: a machine followed the link."""
    here = (responses.c.case_id == case_id) & (responses.c.kind == kind) & (responses.c.reference == reference)
    tx.execute(sa.delete(responses).where(here))


def references(tx: Connection, case_id: str, kind: str) -> frozenset[str]:
    """The references of all responses of a kind: those that are known."""
    chosen = sa.select(responses.c.reference).where(responses.c.case_id == case_id, responses.c.kind == kind)
    return frozenset(tx.execute(chosen).scalars())


def contacts_by_cell(tx: Connection, case_id: str) -> tuple[Contacts, ...]:
    """The messages of the ledger by wave and cell, and by hall where halls showed some of them."""
    by_index(tx)
    left = sa.case((left_the_house(), 1), else_=0)
    arrived = sa.case((recipients.c.state == "delivered", 1), else_=0)
    by: list[sa.ColumnElement[str]] = [recipients.c.wave, recipients.c.cell]
    rows: sa.FromClause = recipients
    if was_shown(tx, case_id):
        rows, office = with_halls()
        by.append(office)
    chosen = (
        sa.select(sa.func.count(), sa.func.sum(left), sa.func.sum(arrived), *by)
        .select_from(rows)
        .where(recipients.c.case_id == case_id)
        .group_by(*by)
        .order_by(*by)
    )
    return tuple(
        Contacts(wave, cell, int(contacted), int(delivered), planned, *office)
        for planned, contacted, delivered, wave, cell, *office in tx.execute(chosen)
    )


def was_shown(tx: Connection, case_id: str) -> bool:
    """Whether a hall showed the case to a customer."""
    return bool(tx.execute(sa.select(sa.exists().where(recommendations.c.case_id == case_id))).scalar())


def with_halls() -> tuple[sa.FromClause, sa.ColumnElement[str]]:
    """The ledger with what halls showed, and the office of that hall; empty where none did."""
    here = (recommendations.c.wave == recipients.c.wave) & (recommendations.c.row == recipients.c.row)
    return recipients.outerjoin(recommendations, here), sa.func.coalesce(recommendations.c.office, "").label("office")


def customers_reached(tx: Connection, case_id: str, contacts: Sequence[Contacts]) -> tuple[int, int]:
    """How many customers were contacted, and how many of them got at least one message, over all channels; `contacts`
    are the messages of the case. Over one channel each message has another customer, and the ledger is not read again:
    telling ten million customers apart takes half a minute in PostgreSQL."""
    if _is_one_channel(tx, case_id):
        return sum(one.contacted for one in contacts), sum(one.delivered for one in contacts)
    arrived = sa.case((recipients.c.state == "delivered", 1), else_=0)
    once = sa.select(sa.func.max(arrived).label("arrived"))
    once = once.where(recipients.c.case_id == case_id, left_the_house()).group_by(recipients.c.customer)
    each = once.subquery()
    chosen = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(each.c.arrived), 0)).select_from(each)
    contacted, delivered = tx.execute(chosen).one()
    return contacted, int(delivered)


def customers_capped(tx: Connection, case_id: str) -> int:
    """How many customers the contact policy kept from a message of the case, over all channels."""
    of_waves = sa.select(sa.func.coalesce(sa.func.sum(wave_sums.c.capped), 0))
    of_waves = of_waves.join(waves, waves.c.id == wave_sums.c.wave).where(waves.c.case_id == case_id)
    messages = int(tx.execute(of_waves).scalar_one())
    if not messages or _is_one_channel(tx, case_id):
        return messages
    chosen = sa.select(sa.func.count(sa.distinct(recipients.c.customer)))
    return int(tx.execute(chosen.where(recipients.c.case_id == case_id, is_capped())).scalar_one())


def _is_one_channel(tx: Connection, case_id: str) -> bool:
    channels = sa.select(sa.func.count(sa.distinct(waves.c.channel))).where(waves.c.case_id == case_id)
    return bool(tx.execute(channels).scalar_one() == 1)


def store_evaluation(tx: Connection, case_id: str, stored: Stored) -> Stored:
    """Write an evaluation; where another was faster, theirs is returned and stays."""
    values: dict[str, Any] = {
        "case_id": case_id,
        "label": stored.label,
        "as_of": stored.as_of,
        "report": stored.report,
        "digest": stored.digest,
    }
    tx.execute(inserting(tx, evaluations).values(values).on_conflict_do_nothing())
    found = find_evaluation(tx, case_id, stored.label)
    assert found is not None
    return found


def find_evaluation(tx: Connection, case_id: str, label: str) -> Stored | None:
    """The evaluation of that label, None where it was not made yet."""
    return next((one for one in evaluations_of(tx, case_id) if one.label == label), None)


def evaluations_of(tx: Connection, case_id: str) -> tuple[Stored, ...]:
    """All evaluations of a case, oldest first."""
    columns = (evaluations.c.label, evaluations.c.as_of, evaluations.c.report, evaluations.c.digest)
    chosen = sa.select(*columns).where(evaluations.c.case_id == case_id).order_by(evaluations.c.as_of)
    return tuple(Stored(*row) for row in tx.execute(chosen))


def newest_of_kind(tx: Connection, person: str, definition: str, limit: int = 20) -> tuple[Stored, ...]:
    """The last evaluation of each of the newest evaluated cases of that definition that `person` may see."""
    last = (
        sa.select(evaluations.c.case_id, sa.func.max(evaluations.c.as_of).label("as_of"))
        .join(cases, cases.c.id == evaluations.c.case_id)
        .where(cases.c.definition == definition, visibility.visible(person))
        .group_by(evaluations.c.case_id)
        .order_by(sa.func.max(evaluations.c.as_of).desc())
        .limit(limit)
        .subquery()
    )
    columns = (evaluations.c.label, evaluations.c.as_of, evaluations.c.report, evaluations.c.digest)
    is_last = sa.and_(evaluations.c.case_id == last.c.case_id, evaluations.c.as_of == last.c.as_of)
    return tuple(Stored(*row) for row in tx.execute(sa.select(*columns).join(last, is_last)))


def left_the_house() -> sa.ColumnElement[bool]:
    """Whether the message of the row at hand in `recipients` was sent, or may have been."""
    refused = sa.and_(recipients.c.state == "failed", recipients.c.reason.startswith(REJECTED))
    return sa.and_(recipients.c.state.in_(("sent", "delivered", "failed", "unknown")), ~refused)


def _count(tx: Connection, case_id: str) -> int:
    chosen = sa.select(sa.func.count()).select_from(responses).where(responses.c.case_id == case_id)
    return int(tx.execute(chosen).scalar_one())
