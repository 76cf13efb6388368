"""Offices, people and what they hold.

Every change of offices, people or grants raises the organisation's revision, which each transition reads under its
lock; so no decision is made with people who are no longer there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from engine.organisation import Grant, Office, Organisation, Person, StandIn
from engine.store import sessions
from engine.store.session import KEPT, inserting
from engine.store.tables import grants, offices, organisation, people, stand_ins

Rows = Iterable[Mapping[str, Any]]


def revision(tx: Connection) -> int:
    """The number of the organisation's present state; of one snapshot it is asked once."""
    kept: dict[str, int] = tx.get_execution_options().get(KEPT, {})
    if "revision" not in kept:
        kept["revision"] = tx.execute(sa.select(organisation.c.revision)).scalar_one()
    return kept["revision"]


def lock(tx: Connection) -> None:
    """Let no other transaction that asks the same go on before this one ended."""
    tx.execute(sa.select(organisation.c.revision).with_for_update())


def unsettled(tx: Connection, now: datetime) -> bool:
    """Whether the organisation changed since open steps followed it last: by somebody, or by a stand-in's dates."""
    row = tx.execute(sa.select(organisation)).one()
    if row.revision != row.settled_revision or row.settled_at is None:
        return True
    begins = (stand_ins.c.starts > row.settled_at) & (stand_ins.c.starts <= now)
    ends = (stand_ins.c.ends > row.settled_at) & (stand_ins.c.ends <= now)
    return tx.execute(sa.select(stand_ins.c.id).where(begins | ends).limit(1)).one_or_none() is not None


def settle(tx: Connection, revision: int, at: datetime) -> None:
    """Open steps have followed the organisation as it was in `revision`, at that moment."""
    tx.execute(sa.update(organisation).values(settled_revision=revision, settled_at=at))


def load_organisation(tx: Connection) -> Organisation:
    """All offices, people (closed accounts too) and grants as one value."""
    columns = (offices.c.code, offices.c.zh, offices.c.level, offices.c.en, offices.c.parent)
    held = (grants.c.person, grants.c.role, grants.c.office, grants.c.weight)
    return Organisation(
        (Office(*row) for row in tx.execute(sa.select(*columns))),
        (Person(*row) for row in tx.execute(sa.select(people.c.id, people.c.name, people.c.active, people.c.same_as))),
        (Grant(*row) for row in tx.execute(sa.select(*held))),
        load_stand_ins(tx),
    )


def load_stand_ins(tx: Connection) -> tuple[StandIn, ...]:
    """Who stands in for whom, the earliest first; those that are over too."""
    rows = tx.execute(sa.select(stand_ins).order_by(stand_ins.c.starts, stand_ins.c.id))
    return tuple(
        StandIn(
            person=row.person,
            by=row.by,
            starts=row.starts,
            ends=row.ends,
            definitions=tuple(name for name in row.definitions.split(",") if name),
            field="budget" if row.budget is not None else "",
            limit=row.budget,
            id=row.id,
        )
        for row in rows
    )


def add_stand_in(tx: Connection, one: StandIn) -> int:
    """Keep a stand-in; returns its number."""
    row = {
        "person": one.person,
        "by": one.by,
        "starts": one.starts,
        "ends": one.ends,
        "definitions": f",{','.join(one.definitions)}," if one.definitions else "",
        "budget": one.limit,
    }
    number: int = tx.execute(sa.insert(stand_ins).values(row).returning(stand_ins.c.id)).scalar_one()
    _changed(tx, 1)
    return number


def end_stand_in(tx: Connection, number: int, at: datetime) -> bool:
    """Let a stand-in end at `at`; False where there is none or it is over by then."""
    running = (stand_ins.c.id == number) & (stand_ins.c.ends > at)
    return _changed(tx, tx.execute(sa.update(stand_ins).where(running).values(ends=at)).rowcount)


def offices_of(tx: Connection) -> tuple[Office, ...]:
    """All offices."""
    columns = (offices.c.code, offices.c.zh, offices.c.level, offices.c.en, offices.c.parent)
    return tuple(Office(*row) for row in tx.execute(sa.select(*columns)))


def add_offices(tx: Connection, rows: Iterable[Office]) -> None:
    """Add offices, parents before their children; those that are there keep what they have."""
    _add(tx, offices, (asdict(office) for office in rows))


def add_people(tx: Connection, rows: Rows) -> None:
    """Add people (id, name, email, language, password_hash); those who are there keep what they have."""
    _add(tx, people, ({"same_as": "", "must_change": False, **row} for row in rows))


def add_grants(tx: Connection, rows: Rows) -> None:
    """Add grants (person, role, office, perhaps weight); those that are there stay."""
    _add(tx, grants, ({"weight": 1, **row} for row in rows))


def remove_grant(tx: Connection, *, person: str, role: str, office: str) -> bool:
    """Take a role away; False when it was not held."""
    held = (grants.c.person == person) & (grants.c.role == role) & (grants.c.office == office)
    return _changed(tx, tx.execute(sa.delete(grants).where(held)).rowcount)


def set_active(tx: Connection, person: str, *, active: bool) -> bool:
    """Close an account or open it again; closing ends its sessions and forgets its devices."""
    if not active:
        sessions.end_of(tx, person)
        sessions.forget_devices(tx, person)
    return _changed(tx, tx.execute(sa.update(people).where(people.c.id == person).values(active=active)).rowcount)


def set_language(tx: Connection, person: str, language: str) -> None:
    """The language of a person's pages and notices."""
    tx.execute(sa.update(people).where(people.c.id == person).values(language=language))


def find_person(tx: Connection, person: str) -> Row[Any] | None:
    """id, name, email, language, password_hash, active; or None."""
    return tx.execute(sa.select(people).where(people.c.id == person)).one_or_none()


def with_email(tx: Connection, address: str) -> tuple[str, ...]:
    """The open accounts with a mail address, whatever its capitals."""
    query = sa.select(people.c.id).where(people.c.active, sa.func.lower(people.c.email) == address.lower())
    return tuple(tx.execute(query).scalars())


def grants_of(tx: Connection, person: str) -> tuple[Row[Any], ...]:
    """role, office, and the office's zh and en, in a fixed order."""
    held = grants.join(offices, offices.c.code == grants.c.office)
    query = sa.select(grants.c.role, grants.c.office, offices.c.zh, offices.c.en).select_from(held)
    return tuple(tx.execute(query.where(grants.c.person == person).order_by(grants.c.office, grants.c.role)))


def _add(tx: Connection, table: sa.Table, rows: Rows) -> None:
    listed = [dict(row) for row in rows]
    if listed:
        tx.execute(inserting(tx, table).on_conflict_do_nothing(), listed)
        _changed(tx, len(listed))


def _changed(tx: Connection, count: int) -> bool:
    if count:
        tx.execute(sa.update(organisation).values(revision=organisation.c.revision + 1))
    return bool(count)
