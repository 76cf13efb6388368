"""Offices and people as administrators look for them: pages of lists, counts, and changes of single ones.

Every change raises the organisation's revision, so that caches and open steps follow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from engine.organisation import Grant, Office, Person
from engine.organisation.roster import Known, Member
from engine.store.session import inserting
from engine.store.tables import grants, groups, offices, organisation, people

PAGE = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which people: `text` in account, name or mail; those with a role at `office` or below it; those with `role`."""

    text: str = ""
    office: str = ""
    role: str = ""
    closed: bool = False  # only accounts that are closed


def known(tx: Connection) -> Known:
    """All offices and members by key, as an import compares with them."""
    held: dict[str, set[Grant]] = {}
    for row in tx.execute(sa.select(grants.c.person, grants.c.role, grants.c.office, grants.c.weight)):
        held.setdefault(row.person, set()).add(Grant(*row))
    members = {
        row.id: Member(
            Person(row.id, row.name, row.active, row.same_as),
            row.email,
            row.language,
            frozenset(held.get(row.id, ())),
        )
        for row in tx.execute(sa.select(people).order_by(people.c.id))
    }
    columns = (offices.c.code, offices.c.zh, offices.c.level, offices.c.en, offices.c.parent)
    rows = tx.execute(sa.select(*columns).order_by(offices.c.code))
    return Known({row.code: Office(*row) for row in rows}, members)


def find(tx: Connection, wanted: Wanted, after: str = "", limit: int = PAGE) -> tuple[tuple[Row[Any], ...], int]:
    """The people after the account `after`, by account, and how many there are in all."""
    conditions = _conditions(wanted)
    count = tx.execute(sa.select(sa.func.count()).select_from(people).where(*conditions)).scalar_one()
    columns = (people.c.id, people.c.name, people.c.email, people.c.active)
    query = sa.select(*columns).where(*conditions, people.c.id > after).order_by(people.c.id).limit(limit)
    return tuple(tx.execute(query)), int(count)


def find_one(tx: Connection, account: str) -> Row[Any] | None:
    """id, name, email, language, active, same_as; or None."""
    columns = (people.c.id, people.c.name, people.c.email, people.c.language, people.c.active, people.c.same_as)
    return tx.execute(sa.select(*columns).where(people.c.id == account)).one_or_none()


def grants_of_all(tx: Connection, persons: Sequence[str]) -> dict[str, tuple[Row[Any], ...]]:
    """role, office, weight and the office's zh and en of each of these people."""
    held = grants.join(offices, offices.c.code == grants.c.office)
    columns = (grants.c.person, grants.c.role, grants.c.office, grants.c.weight, offices.c.zh, offices.c.en)
    query = sa.select(*columns).select_from(held).where(grants.c.person.in_(persons))
    found: dict[str, tuple[Row[Any], ...]] = {}
    for row in tx.execute(query.order_by(grants.c.office, grants.c.role)):
        found[row.person] = (*found.get(row.person, ()), row)
    return found


def roles(tx: Connection) -> tuple[str, ...]:
    """Every role that somebody holds, by name."""
    return tuple(tx.execute(sa.select(grants.c.role).distinct().order_by(grants.c.role)).scalars())


def find_offices(tx: Connection, text: str, limit: int = PAGE) -> tuple[Office, ...]:
    """Offices whose code is `text` or whose name has it, whole names first."""
    names = (offices.c.zh, offices.c.en)
    exact = sa.or_(offices.c.code == text, *(name == text for name in names))
    like = sa.or_(
        offices.c.code.startswith(text, autoescape=True), *(n.icontains(text, autoescape=True) for n in names)
    )
    query = sa.select(*_office_columns()).where(like).order_by(sa.case((exact, 0), else_=1), offices.c.code)
    return tuple(Office(*row) for row in tx.execute(query.limit(limit)))


def below(tx: Connection, parent: str | None) -> tuple[Office, ...]:
    """The offices that report to `parent`; those at the top for None."""
    query = sa.select(*_office_columns()).where(offices.c.parent == parent).order_by(offices.c.code)
    return tuple(Office(*row) for row in tx.execute(query))


def holders(tx: Connection, office: str) -> tuple[Row[Any], ...]:
    """role, weight, and id, name and active of who holds it at the office."""
    held = grants.join(people, people.c.id == grants.c.person)
    columns = (grants.c.role, grants.c.weight, people.c.id, people.c.name, people.c.active)
    query = sa.select(*columns).select_from(held).where(grants.c.office == office)
    return tuple(tx.execute(query.order_by(grants.c.role, grants.c.weight.desc(), people.c.id)))


def counts_below(tx: Connection, parents: Sequence[str]) -> dict[str, int]:
    """How many offices report to each of these."""
    query = sa.select(offices.c.parent, sa.func.count()).where(offices.c.parent.in_(parents)).group_by(offices.c.parent)
    return {row[0]: row[1] for row in tx.execute(query)}


def people_at(tx: Connection, codes: Sequence[str]) -> dict[str, int]:
    """How many people hold a role at each of these offices."""
    count = sa.func.count(sa.distinct(grants.c.person))
    query = sa.select(grants.c.office, count).where(grants.c.office.in_(codes)).group_by(grants.c.office)
    return {row[0]: row[1] for row in tx.execute(query)}


def put_offices(tx: Connection, rows: Iterable[Office]) -> None:
    """Add offices or bring them to what is given, those of higher levels first."""
    values = [{"code": o.code, "zh": o.zh, "en": o.en, "level": o.level, "parent": o.parent} for o in rows]
    _upsert(tx, offices, values, keys=("code",))


def put_members(tx: Connection, members: Iterable[Member], gone: Iterable[Grant] = ()) -> None:
    """Add people or bring them to what is given, with their roles; `gone` are roles that they hold no more."""
    listed = list(members)
    values = [
        {
            "id": m.person.id,
            "name": m.person.name,
            "email": m.email,
            "language": m.language,
            "same_as": m.person.same_as,
        }
        for m in listed
    ]
    _upsert(tx, people, values, keys=("id",))
    for grant in gone:
        held = (grants.c.person == grant.person) & (grants.c.role == grant.role) & (grants.c.office == grant.office)
        tx.execute(sa.delete(grants).where(held))
    put_grants(tx, [grant for member in listed for grant in member.grants or ()])


def put_grants(tx: Connection, held: Iterable[Grant]) -> None:
    """Let people hold roles, with these weights."""
    values = [{"person": g.person, "role": g.role, "office": g.office, "weight": g.weight} for g in held]
    _upsert(tx, grants, values, keys=("person", "role", "office"))


def group(tx: Connection, role: str, office: str) -> Row[Any] | None:
    """role, office, zh, en of a group; None where it bears no name."""
    query = sa.select(groups).where(groups.c.role == role, groups.c.office == office)
    return tx.execute(query).one_or_none()


def all_groups(tx: Connection) -> tuple[Row[Any], ...]:
    """Every group with its office's name and how many members it has: role, office, zh, en, office_zh, office_en,
    members."""
    same = sa.and_(grants.c.role == groups.c.role, grants.c.office == groups.c.office)
    members = sa.select(sa.func.count()).select_from(grants).where(same).scalar_subquery().label("members")
    named = groups.join(offices, offices.c.code == groups.c.office)
    names = (offices.c.zh.label("office_zh"), offices.c.en.label("office_en"))
    query = sa.select(groups, *names, members).select_from(named)
    return tuple(tx.execute(query.order_by(groups.c.office, groups.c.role)))


def put_group(tx: Connection, *, role: str, office: str, zh: str, en: str) -> None:
    """Give the holders of a role at an office a name as a group."""
    _upsert(tx, groups, [{"role": role, "office": office, "zh": zh, "en": en}], keys=("role", "office"))


def drop_group(tx: Connection, role: str, office: str) -> None:
    """Take the name away; who holds the role keeps it."""
    tx.execute(sa.delete(groups).where(groups.c.role == role, groups.c.office == office))


def set_password_hash(tx: Connection, person: str, hashed: str) -> None:
    """The hash that sign-in compares with."""
    tx.execute(sa.update(people).where(people.c.id == person).values(password_hash=hashed))


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.text:
        columns = (people.c.id, people.c.name, people.c.email)
        found.append(sa.or_(*(column.icontains(wanted.text, autoescape=True) for column in columns)))
    if wanted.closed:
        found.append(~people.c.active)
    held = [grants.c.person == people.c.id]
    if wanted.role:
        held.append(grants.c.role == wanted.role)
    if wanted.office:
        tree = sa.select(offices.c.code).where(offices.c.code == wanted.office).cte("tree", recursive=True)
        tree = tree.union(sa.select(offices.c.code).where(offices.c.parent == tree.c.code))
        held.append(grants.c.office.in_(sa.select(tree.c.code)))
    if len(held) > 1:
        found.append(sa.exists().where(*held))
    return found


def _office_columns() -> tuple[sa.Column[Any], ...]:
    return (offices.c.code, offices.c.zh, offices.c.level, offices.c.en, offices.c.parent)


def _upsert(tx: Connection, table: sa.Table, values: Sequence[dict[str, Any]], *, keys: tuple[str, ...]) -> None:
    if not values:
        return
    statement = inserting(tx, table)
    fresh = {name: statement.excluded[name] for name in values[0] if name not in keys}
    tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=fresh), values)
    tx.execute(sa.update(organisation).values(revision=organisation.c.revision + 1))
