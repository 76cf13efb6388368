"""What a person may see: the one predicate over cases that every list, page, search and count goes through.

A confidential case is visible to its submitter, to whoever has or had a task in it or stands in now for who has one,
to the readers named for it, to the offices on its way up once no embargo holds, and to auditors and administrators. An
open one is visible to everybody from its first submission on. Refuses to be asked about roles or offices: it reads the
grants itself, inside the same statement.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from engine import clock
from engine.store import registers
from engine.store.definitions import ENDED
from engine.store.lines import CASE_COLUMNS, CaseLine, case_line
from engine.store.listed import lines
from engine.store.tables import (
    case_embargoes,
    case_offices,
    case_readers,
    cases,
    grants,
    people,
    stand_ins,
    tasks,
)

SEES_ALL = ("auditor", "administrator")
# Cases that say nothing about what was asked for and granted.
NOT_SIMILAR = ("draft", "withdrawn", "cancelled", "voided")
# At an office on the way up of a case, these do not see it by their office alone.
SEES_OWN_ONLY = ("submitter", "clerk", "caller")
# Whoever holds no other role than these sees no case at all: they serve customers.
SEES_NONE = ("clerk",)


def visible(person: str) -> ColumnElement[bool]:
    """Whether `person` may see the case of the row at hand in `cases`."""
    mine = sa.select(grants.c.office).where(grants.c.person == person)
    asked = sa.exists().where(
        tasks.c.case_id == cases.c.id, sa.or_(tasks.c.person == person, tasks.c.decided_by == person)
    )
    now = clock.now()
    represents = sa.exists().where(
        tasks.c.case_id == cases.c.id,
        tasks.c.state == "open",
        tasks.c.person == stand_ins.c.person,
        stand_ins.c.by == person,
        stand_ins.c.starts <= now,
        stand_ins.c.ends > now,
        sa.or_(stand_ins.c.definitions == "", stand_ins.c.definitions.contains("," + cases.c.definition + ",")),
        sa.or_(
            stand_ins.c.budget.is_(None),
            sa.cast(cases.c.budget, sa.Numeric) <= sa.cast(stand_ins.c.budget, sa.Numeric),
        ),
    )
    by_office = sa.exists().where(
        case_offices.c.case_id == cases.c.id,
        case_offices.c.office.in_(mine.where(grants.c.role.not_in(SEES_OWN_ONLY))),
    )
    named_reader = sa.exists().where(
        case_readers.c.case_id == cases.c.id, case_readers.c.person == person, case_readers.c.removed_at.is_(None)
    )
    embargoed = sa.exists().where(
        case_embargoes.c.case_id == cases.c.id, case_embargoes.c.replaced_at.is_(None), case_embargoes.c.until > now
    )
    of_theirs = sa.exists().where(grants.c.person == person)
    serves_only = sa.and_(of_theirs, sa.not_(of_theirs.where(grants.c.role.not_in(SEES_NONE))))
    is_public = sa.and_(sa.not_(cases.c.confidential), cases.c.number.is_not(None), sa.not_(serves_only))
    sees_all = sa.exists().where(grants.c.person == person, grants.c.role.in_(SEES_ALL))
    is_open = sa.exists().where(people.c.id == person, people.c.active)
    on_the_way = sa.and_(by_office, sa.not_(embargoed))
    # what costs no look elsewhere stands first: of 100,000 open cases each further look takes a second
    is_theirs = (cases.c.submitter == person, sees_all, is_public, asked, represents, named_reader, on_the_way)
    return sa.and_(is_open, sa.or_(*is_theirs))


def may_see(tx: Connection, person: str, case_id: str) -> bool:
    """Whether `person` may see the case; False for an unknown one."""
    query = sa.select(sa.literal(1)).select_from(cases).where(cases.c.id == case_id, visible(person))
    return tx.execute(query).scalar_one_or_none() is not None


def all_seen(tx: Connection, person: str) -> tuple[str, ...]:
    """The id of every case that `person` may see, in order: what sums over cases are made of."""
    return ids_of(tx, visible(person))


def ids_of(tx: Connection, where: ColumnElement[bool]) -> tuple[str, ...]:
    """The ids of the cases of a condition, in order."""
    found = tx.execute(sa.select(lines(tx, cases.c.id)).where(where)).scalar()
    return tuple(sorted(found.split("\n"))) if found else ()


def find(tx: Connection, person: str, case_id: str) -> CaseLine | None:
    """The case's line, or None where it is absent or not theirs to see."""
    query = sa.select(*CASE_COLUMNS).where(cases.c.id == case_id, visible(person))
    row = tx.execute(query).one_or_none()
    return None if row is None else case_line(row)


def among(tx: Connection, person: str, ids: Sequence[str]) -> tuple[CaseLine, ...]:
    """The lines of those of these cases that are there and `person` may see."""
    if not ids:
        return ()
    query = sa.select(*CASE_COLUMNS).where(cases.c.id.in_(ids), visible(person))
    return tuple(case_line(row) for row in tx.execute(query))


def named(tx: Connection, person: str, name: str) -> CaseLine | None:
    """The line of the case with this id, number or register number, or None where it is absent or not theirs to see;
    of several with one register number the one that changed last."""
    called = sa.or_(cases.c.id == name, cases.c.number == name, registers.has(name))
    query = sa.select(*CASE_COLUMNS).where(called, visible(person)).order_by(cases.c.updated_at.desc(), cases.c.id)
    row = tx.execute(query.limit(1)).first()
    return None if row is None else case_line(row)


def is_taken(tx: Connection, name: str) -> bool:
    """Whether there is a case with this id, number or register number, whoever may see it."""
    called = sa.or_(cases.c.id == name, cases.c.number == name, registers.has(name))
    return tx.execute(sa.select(sa.literal(1)).select_from(cases).where(called).limit(1)).first() is not None


def about_offer(tx: Connection, person: str, code: str, *, limit: int) -> tuple[CaseLine, ...]:
    """Cases that `person` may see whose form may name the offer, newest change first. It is looked for as text: whether
    the offer's field names it, and may be seen, is the caller's to ask."""
    named_so = cases.c.body.contains(f'"{code}"', autoescape=True)
    query = sa.select(*CASE_COLUMNS).where(visible(person), named_so)
    rows = tx.execute(query.order_by(cases.c.updated_at.desc(), cases.c.id).limit(limit))
    return tuple(case_line(row) for row in rows)


def listed(
    tx: Connection,
    person: str,
    *,
    query: str = "",
    state: str = "",
    limit: int = 100,
    after: tuple[datetime, str] | None = None,
) -> tuple[CaseLine, ...]:
    """The cases that `person` may see, newest change first; `query` looks in title, number and register
    number. `after` is when the last one of the piece before was changed, and its id."""
    wanted = [visible(person)]
    if after is not None:
        moment, last = after
        older, beside = cases.c.updated_at < moment, sa.and_(cases.c.updated_at == moment, cases.c.id > last)
        wanted.append(sa.or_(older, beside))
    if state:
        wanted.append(cases.c.state == state)
    if query:
        in_title = cases.c.title.icontains(query, autoescape=True)
        wanted.append(sa.or_(in_title, cases.c.number == query, registers.has(query)))
    rows = sa.select(*CASE_COLUMNS).where(*wanted).order_by(cases.c.updated_at.desc(), cases.c.id).limit(limit)
    return tuple(case_line(row) for row in tx.execute(rows))


def running_of(tx: Connection, person: str) -> dict[tuple[str, int], int]:
    """How many cases that have not ended `person` sees, by name and version of their definition."""
    query = (
        sa.select(cases.c.definition, cases.c.version, sa.func.count())
        .where(cases.c.state.not_in(ENDED), visible(person))
        .group_by(cases.c.definition, cases.c.version)
    )
    return {(row[0], row[1]): row[2] for row in tx.execute(query)}


def similar(
    tx: Connection, person: str, case_id: str, *, definition: str, office: str, since: datetime, limit: int
) -> tuple[CaseLine, ...]:
    """Of the newest other cases of an office and a kind that changed since then those that `person` may see; drafts and
    those that were taken back are left out."""
    # the newest of the office first, by its index: asked of all of them, who may see each would cost a look-up
    of_office = (cases.c.office == office, cases.c.updated_at >= since, cases.c.definition == definition)
    wanted = (*of_office, cases.c.id != case_id, cases.c.state.not_in(NOT_SIMILAR))
    newest = sa.select(cases.c.id).where(*wanted).order_by(cases.c.updated_at.desc()).limit(limit).correlate(None)
    rows = sa.select(*CASE_COLUMNS).where(cases.c.id.in_(newest), visible(person))
    return tuple(case_line(row) for row in tx.execute(rows.order_by(cases.c.updated_at.desc(), cases.c.id)))
