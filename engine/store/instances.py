"""The running cases of a version of a definition: at which step, since when, and which of them do not go on.

Only cases that the asking person sees, by `visibility`.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from engine.store.definitions import ENDED, OfDefinition
from engine.store.lines import CASE_COLUMNS, CaseLine, case_line
from engine.store.tables import cases, outbox, tasks
from engine.store.visibility import visible


@dataclass(frozen=True, slots=True)
class Standing:
    """A case that rests at a step (or, where nobody is asked, in a state) since then."""

    case_id: str
    state: str
    step: str
    since: datetime


def standing(tx: Connection, person: str, name: str, version: int) -> tuple[Standing, ...]:
    """Where each of the cases rests: once per step whose people are asked, with an empty step where nobody is."""
    asked = tasks.alias("asked")  # `visible` has tasks of its own
    opened = sa.and_(asked.c.case_id == cases.c.id, asked.c.state == "open", asked.c.verb != "copy")
    since = sa.func.coalesce(sa.func.min(asked.c.opened_at), cases.c.updated_at, type_=cases.c.updated_at.type)
    query = (
        sa.select(cases.c.id, cases.c.state, sa.func.coalesce(asked.c.step, ""), since)
        .select_from(cases.outerjoin(asked, opened))
        .where(*_running(person, name, version))
        .group_by(cases.c.id, cases.c.state, asked.c.step, cases.c.updated_at)
    )
    return tuple(Standing(*row) for row in tx.execute(query))


def lines(tx: Connection, person: str, name: str, version: int, *, step: str = "", limit: int) -> tuple[CaseLine, ...]:
    """The cases, those first that have not changed for longest; only those that rest at `step`, where one is named."""
    wanted = _running(person, name, version)
    if step:
        asked = sa.and_(tasks.c.case_id == cases.c.id, tasks.c.state == "open", tasks.c.step == step)
        wanted += (sa.exists().where(asked),)
    query = sa.select(*CASE_COLUMNS).where(*wanted).order_by(cases.c.updated_at, cases.c.id).limit(limit)
    return tuple(case_line(row) for row in tx.execute(query))


def unasked(tx: Connection, person: str, name: str, version: int) -> frozenset[str]:
    """The cases in approval in which nobody is asked."""
    asked = sa.exists().where(tasks.c.case_id == cases.c.id, tasks.c.state.in_(("open", "waiting")))
    query = sa.select(cases.c.id).where(*_running(person, name, version), cases.c.state == "approving", ~asked)
    return frozenset(tx.execute(query).scalars())


def given_up(tx: Connection, person: str, name: str, version: int) -> dict[str, tuple[str, ...]]:
    """By case the keys of its effects that were given up after many attempts."""
    query = (
        sa.select(outbox.c.case_id, outbox.c.key)
        .select_from(outbox.join(cases, cases.c.id == outbox.c.case_id))
        .where(*_running(person, name, version), outbox.c.state == "dead")
    )
    found: dict[str, tuple[str, ...]] = {}
    for case_id, key in tx.execute(query):
        found[case_id] = (*found.get(case_id, ()), key)
    return found


def in_state(tx: Connection, person: str, name: str, version: int, state: str) -> tuple[str, ...]:
    """The ids of the cases in that state."""
    query = sa.select(cases.c.id).where(*_running(person, name, version), cases.c.state == state)
    return tuple(tx.execute(query).scalars())


def submitted(tx: Connection, person: str, name: str) -> tuple[OfDefinition, ...]:
    """The cases of a definition that were submitted, at whatever version, oldest first."""
    query = (
        sa.select(cases.c.id, cases.c.number, cases.c.version, cases.c.state)
        .where(cases.c.definition == name, cases.c.round > 0, visible(person))
        .order_by(cases.c.created_at, cases.c.id)
    )
    return tuple(OfDefinition(*row) for row in tx.execute(query))


def _running(person: str, name: str, version: int) -> tuple[ColumnElement[bool], ...]:
    return (
        cases.c.definition == name,
        cases.c.version == version,
        cases.c.state.not_in(ENDED),
        visible(person),
    )
