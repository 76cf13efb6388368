"""The inbox of a person: to do, done, copied, mine. Each list is one look-up in a partial index.

Shows only what was addressed to the person, so it needs no other visibility. A page continues behind the last row of
the one before it, by that row's key: it costs the same however far down it is, and nothing is shown twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from engine.machine.case import ProcessRef
from engine.store.lines import CASE_COLUMNS, TASK_COLUMNS, CaseLine, TaskLine, case_line, task_line
from engine.store.tables import cases, tasks

ROWS = 20
List = Literal["to_do", "done", "copied", "mine"]
Due = Literal["", "overdue", "day", "week"]
Key = tuple[datetime | None, datetime | None, str]
"""Where a row stands in its list: what it is ordered by (None in the first place stands last), and its id."""

# Written as in the partial indexes, or the planners do not use them.
_IS_OPEN = sa.text("tasks.state='open'")
_IS_DECIDED = sa.text("tasks.state='decided'")
_IS_COPY = sa.text("tasks.verb='copy'")
_WITHIN = {"overdue": timedelta(), "day": timedelta(days=1), "week": timedelta(days=7)}
LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to: words of the title or the number, the kind of case, its office, and until when it
    is due (`now` is when that is asked)."""

    text: str = ""
    definition: str = ""
    office: str = ""
    due: Due = ""
    now: datetime | None = None

    @property
    def of_cases(self) -> tuple[ColumnElement[bool], ...]:
        """What it says about cases."""
        found: list[ColumnElement[bool]] = []
        if self.text:
            found.append(sa.or_(cases.c.title.icontains(self.text, autoescape=True), cases.c.number == self.text))
        if self.definition:
            found.append(cases.c.definition == self.definition)
        if self.office:
            found.append(cases.c.office == self.office)
        return tuple(found)

    @property
    def of_tasks(self) -> tuple[ColumnElement[bool], ...]:
        """What it says about tasks."""
        if not self.due or self.now is None:
            return ()
        return (tasks.c.due_at <= self.now + _WITHIN[self.due],)


ALL = Wanted()


def to_do(
    tx: Connection, person: str, limit: int = ROWS, *, wanted: Wanted = ALL, after: Key | None = None
) -> tuple[TaskLine, ...]:
    """Open tasks, the earliest due first, those without a time last."""
    order = (tasks.c.due_at.nulls_last(), tasks.c.opened_at, tasks.c.id)
    behind = () if after is None else (_later(after),)
    return _tasks(tx, (_to_do(person), *behind, *wanted.of_tasks), order, limit, wanted.of_cases)


def waiting(tx: Connection, person: str) -> tuple[TaskLine, ...]:
    """Everything that the person is to do now or later, without a limit, the oldest first."""
    joined = tasks.join(cases, cases.c.id == tasks.c.case_id)
    pending = sa.and_(tasks.c.person == person, tasks.c.state.in_(("open", "waiting")), tasks.c.verb != "copy")
    query = sa.select(*TASK_COLUMNS, *CASE_COLUMNS).select_from(joined).where(pending)
    return tuple(task_line(row) for row in tx.execute(query.order_by(tasks.c.opened_at, tasks.c.id)))


def done(
    tx: Connection, person: str, limit: int = ROWS, *, wanted: Wanted = ALL, after: Key | None = None
) -> tuple[TaskLine, ...]:
    """Decided tasks, the newest decision first."""
    order = (tasks.c.decided_at.desc(), tasks.c.id)
    behind = () if after is None else (_earlier(tasks.c.decided_at, tasks.c.id, after),)
    return _tasks(tx, (_done(person), *behind), order, limit, wanted.of_cases)


def copied(
    tx: Connection, person: str, limit: int = ROWS, *, wanted: Wanted = ALL, after: Key | None = None
) -> tuple[TaskLine, ...]:
    """Copies, read or not, the newest first."""
    order = (tasks.c.opened_at.desc(), tasks.c.id)
    behind = () if after is None else (_earlier(tasks.c.opened_at, tasks.c.id, after),)
    return _tasks(tx, (_copied(person), *behind), order, limit, wanted.of_cases)


def mine(
    tx: Connection, person: str, limit: int = ROWS, *, wanted: Wanted = ALL, after: Key | None = None
) -> tuple[CaseLine, ...]:
    """The person's own cases, the newest change first."""
    behind = () if after is None else (_earlier(cases.c.updated_at, cases.c.id, after),)
    query = sa.select(*CASE_COLUMNS).where(cases.c.submitter == person, *behind, *wanted.of_cases)
    return tuple(
        case_line(row) for row in tx.execute(query.order_by(cases.c.updated_at.desc(), cases.c.id).limit(limit))
    )


def among(tx: Connection, person: str, which: List) -> tuple[tuple[ProcessRef, ...], tuple[str, ...]]:
    """The kinds of case, each by its newest version, and the offices of the first rows of a list, to filter by."""
    if which == "mine":
        picked = sa.select(cases.c.id).where(cases.c.submitter == person).order_by(cases.c.updated_at.desc())
    else:
        of = {"to_do": _to_do, "done": _done, "copied": _copied}[which](person)
        by = tasks.c.decided_at if which == "done" else tasks.c.opened_at
        picked = sa.select(tasks.c.case_id).where(of).order_by(by.desc() if which != "to_do" else tasks.c.due_at)
    some = picked.limit(LOOKED_AT).subquery()
    columns = (cases.c.definition, cases.c.version, cases.c.fingerprint, cases.c.office)
    rows = tx.execute(sa.select(*columns).where(cases.c.id.in_(sa.select(some))).distinct()).all()
    newest = {row.definition: ProcessRef(row.definition, row.version, row.fingerprint) for row in sorted(rows)}
    return tuple(newest.values()), tuple(sorted({row.office for row in rows}))


def counts(tx: Connection, person: str) -> dict[str, int]:
    """How many there are of each, not only those shown; `unread` of the copied ones."""
    own = sa.select(sa.func.count()).select_from(cases).where(cases.c.submitter == person)
    row = tx.execute(
        sa.select(
            _count(_to_do(person)).label("to_do"),
            _count(_done(person)).label("done"),
            _count(_copied(person)).label("copied"),
            own.scalar_subquery().label("mine"),
            _count(sa.and_(tasks.c.person == person, _IS_OPEN, _IS_COPY)).label("unread"),
        )
    ).one()
    return dict(row._mapping)


def find_task(tx: Connection, task_id: str) -> TaskLine | None:
    """One task with its case, whoever's it is; None for an unknown id."""
    found = _tasks(tx, (tasks.c.id == task_id,), (), 1)
    return found[0] if found else None


def _to_do(person: str) -> ColumnElement[bool]:
    return sa.and_(tasks.c.person == person, _IS_OPEN, tasks.c.verb != "copy")


def _done(person: str) -> ColumnElement[bool]:
    return sa.and_(tasks.c.person == person, _IS_DECIDED, tasks.c.verb != "copy")


def _copied(person: str) -> ColumnElement[bool]:
    return sa.and_(tasks.c.person == person, _IS_COPY, tasks.c.state.in_(("open", "decided")))


def _later(after: Key) -> ColumnElement[bool]:
    """Behind `after` in a list that is ordered by `due_at` (none last), `opened_at` and `id`."""
    due, opened, last = after
    same = sa.or_(tasks.c.opened_at > opened, sa.and_(tasks.c.opened_at == opened, tasks.c.id > last))
    if due is None:
        return sa.and_(tasks.c.due_at.is_(None), same)
    return sa.or_(tasks.c.due_at > due, sa.and_(tasks.c.due_at == due, same), tasks.c.due_at.is_(None))


def _earlier(at: ColumnElement[Any], row: ColumnElement[Any], after: Key) -> ColumnElement[bool]:
    """Behind `after` in a list whose newest row comes first."""
    moment, _, last = after
    return sa.or_(at < moment, sa.and_(at == moment, row > last))


def _tasks(
    tx: Connection,
    wanted: Sequence[ColumnElement[bool]],
    order: tuple[ColumnElement[Any], ...],
    limit: int,
    of_cases: Sequence[ColumnElement[bool]] = (),
) -> tuple[TaskLine, ...]:
    # which tasks first, then their cases: joined before they are limited, every open task would cost a look-up
    picked = sa.select(tasks.c.id).where(*wanted)
    joined = tasks.join(cases, cases.c.id == tasks.c.case_id)
    if of_cases:  # only the tasks of this person are looked up then
        picked = picked.select_from(joined).where(*of_cases)
    some = picked.order_by(*order).limit(limit).correlate(None)
    query = sa.select(*TASK_COLUMNS, *CASE_COLUMNS).select_from(joined).where(tasks.c.id.in_(some))
    return tuple(task_line(row) for row in tx.execute(query.order_by(*order)))


def _count(wanted: ColumnElement[bool]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(tasks).where(wanted).scalar_subquery()
