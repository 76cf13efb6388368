"""Saved customer groups: versions that are only added, and which of them count for a round of a case.

Refuses to change or take out a version: frozen lists and running cases name it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store import visibility
from engine.store.definitions import ENDED
from engine.store.lines import CASE_COLUMNS, CaseLine, case_line
from engine.store.session import inserting
from engine.store.tables import case_groups, cases, customer_group_versions, customer_groups, organisation


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One version of a group, with what holds for the whole group: its owner, their office, and when it was ended.
    `source` and `tests` are JSON."""

    name: str
    owner: str
    office: str
    ended_at: datetime | None
    version: int
    title: str
    source: str
    tests: str
    note: str
    saved_by: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class Pin:
    """The version that a reference stands for in a round of a case."""

    reference: str
    name: str
    version: int


_OF_GROUP = ("name", "owner", "office", "ended_at")
_OF_VERSION = tuple(one.name for one in fields(GroupRow) if one.name not in _OF_GROUP)
_COLUMNS = (
    *(customer_groups.c[name] for name in _OF_GROUP),
    *(customer_group_versions.c[name] for name in _OF_VERSION),
)
_BOTH = customer_groups.join(customer_group_versions)


def lock(tx: Connection) -> None:
    """Let those who change groups pass one by one until the end of the transaction."""
    tx.execute(sa.select(organisation.c.id).with_for_update())


def every(tx: Connection) -> tuple[GroupRow, ...]:
    """The newest version of each group, by name."""
    rows = (
        _row(one) for one in tx.execute(_rows().order_by(customer_groups.c.name, customer_group_versions.c.version))
    )
    return tuple({row.name: row for row in rows}.values())


def history(tx: Connection, name: str) -> tuple[GroupRow, ...]:
    """All versions of a group, the newest first."""
    wanted = _rows().where(customer_groups.c.name == name)
    return tuple(_row(one) for one in tx.execute(wanted.order_by(customer_group_versions.c.version.desc())))


def find(tx: Connection, name: str, version: int | None = None) -> GroupRow | None:
    """That version of a group, or its newest; None where there is none."""
    wanted = _rows().where(customer_groups.c.name == name)
    if version is not None:
        wanted = wanted.where(customer_group_versions.c.version == version)
    one = tx.execute(wanted.order_by(customer_group_versions.c.version.desc()).limit(1)).one_or_none()
    return None if one is None else _row(one)


def add(tx: Connection, row: GroupRow) -> None:
    """Keep a version; its group as well, where it is the first."""
    group = {name: getattr(row, name) for name in _OF_GROUP}
    tx.execute(inserting(tx, customer_groups).values(group).on_conflict_do_nothing())
    values = {name: getattr(row, name) for name in ("name", *_OF_VERSION)}
    tx.execute(sa.insert(customer_group_versions).values(values))


def end(tx: Connection, name: str, at: datetime | None) -> None:
    """Offer it no more from `at` on, or again (None)."""
    tx.execute(sa.update(customer_groups).where(customer_groups.c.name == name).values(ended_at=at))


def pin(tx: Connection, case_id: str, round_: int, pins: Iterable[Pin]) -> None:
    """Keep what references stand for in a round; asked again in one, its list is selected anew."""
    rows = [
        {"case_id": case_id, "round": round_, "reference": one.reference, "name": one.name, "version": one.version}
        for one in pins
    ]
    if rows:
        adding = inserting(tx, case_groups).values(rows)
        tx.execute(
            adding.on_conflict_do_update(
                index_elements=["case_id", "round", "reference"],
                set_={"name": adding.excluded.name, "version": adding.excluded.version},
            )
        )


def pinned(tx: Connection, case_id: str) -> Mapping[str, Pin]:
    """What references stand for in the case now, by reference: as its newest round that says so has it."""
    query = sa.select(case_groups.c.reference, case_groups.c.name, case_groups.c.version)
    rows = tx.execute(query.where(case_groups.c.case_id == case_id).order_by(case_groups.c.round))
    return {row.reference: Pin(*row) for row in rows}


def running_cases(tx: Connection, person: str, name: str) -> tuple[CaseLine, ...]:
    """Of the cases that have not ended and use the group those that `person` may see."""
    uses = sa.exists().where(case_groups.c.case_id == cases.c.id, case_groups.c.name == name)
    wanted = sa.select(*CASE_COLUMNS).where(cases.c.state.not_in(ENDED), uses, visibility.visible(person))
    return tuple(case_line(row) for row in tx.execute(wanted.order_by(cases.c.updated_at.desc(), cases.c.id)))


def counts_of_cases(tx: Connection, person: str) -> dict[str, int]:
    """How many of the cases that have not ended and that `person` may see use each group."""
    query = (
        sa.select(case_groups.c.name, sa.func.count(sa.distinct(cases.c.id)))
        .join(cases, cases.c.id == case_groups.c.case_id)
        .where(cases.c.state.not_in(ENDED), visibility.visible(person))
        .group_by(case_groups.c.name)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def _rows() -> sa.Select[tuple[object, ...]]:
    return sa.select(*_COLUMNS).select_from(_BOTH)


def _row(one: sa.Row[tuple[object, ...]]) -> GroupRow:
    return GroupRow(**one._mapping)
