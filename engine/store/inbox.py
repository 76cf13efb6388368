"""The inbox of a person: to do, done, copied, mine. Each list is one look-up in a partial index.

Shows only what was addressed to the person, so it needs no other visibility.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from engine.store.lines import CASE_COLUMNS, TASK_COLUMNS, CaseLine, TaskLine, case_line, task_line
from engine.store.tables import cases, tasks

ROWS = 20

# Written as in the partial indexes, or the planners do not use them.
_IS_OPEN = sa.text("tasks.state='open'")
_IS_DECIDED = sa.text("tasks.state='decided'")
_IS_COPY = sa.text("tasks.verb='copy'")


def to_do(tx: Connection, person: str, limit: int = ROWS) -> tuple[TaskLine, ...]:
    """Open tasks, the earliest due first, those without a time last."""
    order = (tasks.c.due_at.nulls_last(), tasks.c.opened_at, tasks.c.id)
    return _tasks(tx, _to_do(person), order, limit)


def waiting(tx: Connection, person: str) -> tuple[TaskLine, ...]:
    """Everything that the person is to do now or later, without a limit, the oldest first."""
    joined = tasks.join(cases, cases.c.id == tasks.c.case_id)
    pending = sa.and_(tasks.c.person == person, tasks.c.state.in_(("open", "waiting")), tasks.c.verb != "copy")
    query = sa.select(*TASK_COLUMNS, *CASE_COLUMNS).select_from(joined).where(pending)
    return tuple(task_line(row) for row in tx.execute(query.order_by(tasks.c.opened_at, tasks.c.id)))


def done(tx: Connection, person: str, limit: int = ROWS) -> tuple[TaskLine, ...]:
    """Decided tasks, the newest decision first."""
    return _tasks(tx, _done(person), (tasks.c.decided_at.desc(), tasks.c.id), limit)


def copied(tx: Connection, person: str, limit: int = ROWS) -> tuple[TaskLine, ...]:
    """Copies, read or not, the newest first."""
    return _tasks(tx, _copied(person), (tasks.c.opened_at.desc(), tasks.c.id), limit)


def mine(tx: Connection, person: str, limit: int = ROWS) -> tuple[CaseLine, ...]:
    """The person's own cases, the newest change first."""
    query = sa.select(*CASE_COLUMNS).where(cases.c.submitter == person)
    return tuple(
        case_line(row) for row in tx.execute(query.order_by(cases.c.updated_at.desc(), cases.c.id).limit(limit))
    )


def counts(tx: Connection, person: str) -> dict[str, int]:
    """How many there are of each, not only those shown."""
    own = sa.select(sa.func.count()).select_from(cases).where(cases.c.submitter == person)
    row = tx.execute(
        sa.select(
            _count(_to_do(person)).label("to_do"),
            _count(_done(person)).label("done"),
            _count(_copied(person)).label("copied"),
            own.scalar_subquery().label("mine"),
        )
    ).one()
    return dict(row._mapping)


def find_task(tx: Connection, task_id: str) -> TaskLine | None:
    """One task with its case, whoever's it is; None for an unknown id."""
    found = _tasks(tx, tasks.c.id == task_id, (), 1)
    return found[0] if found else None


def _to_do(person: str) -> ColumnElement[bool]:
    return sa.and_(tasks.c.person == person, _IS_OPEN, tasks.c.verb != "copy")


def _done(person: str) -> ColumnElement[bool]:
    return sa.and_(tasks.c.person == person, _IS_DECIDED, tasks.c.verb != "copy")


def _copied(person: str) -> ColumnElement[bool]:
    return sa.and_(tasks.c.person == person, _IS_COPY, tasks.c.state.in_(("open", "decided")))


def _tasks(
    tx: Connection, wanted: ColumnElement[bool], order: tuple[ColumnElement[Any], ...], limit: int
) -> tuple[TaskLine, ...]:
    # which tasks first, then their cases: joined before they are limited, every open task would cost a look-up
    picked = sa.select(tasks.c.id).where(wanted).order_by(*order).limit(limit).correlate(None)
    joined = tasks.join(cases, cases.c.id == tasks.c.case_id)
    query = sa.select(*TASK_COLUMNS, *CASE_COLUMNS).select_from(joined).where(tasks.c.id.in_(picked))
    return tuple(task_line(row) for row in tx.execute(query.order_by(*order)))


def _count(wanted: ColumnElement[bool]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(tasks).where(wanted).scalar_subquery()
