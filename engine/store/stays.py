"""How long cases stayed in a state and people at a step: what the alarms take for usual, from what is written anyhow.

States come from the histories, steps from the tasks. Refuses to read more than the newest cases of a definition.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.tables import cases, history, tasks

NEWEST = 200
"""Cases of a definition that are looked at."""
MOVED = '%"type":"Moved"%'


class _Event(msgspec.Struct, frozen=True):
    type: str
    state: str = ""


class _Moves(msgspec.Struct, frozen=True):
    events: tuple[_Event, ...]


_read = msgspec.json.Decoder(_Moves).decode


@dataclass(frozen=True, slots=True)
class Entered:
    """A case came into a state at that moment."""

    case_id: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AtStep:
    """People of a case are asked at a step since then."""

    case_id: str
    definition: str
    version: int
    fingerprint: str
    number: str
    title: str
    state: str
    step: str
    since: datetime


def entered(tx: Connection, case_ids: Sequence[str]) -> Iterator[Entered]:
    """Each change of the state of these cases, by case in the order of time."""
    query = (
        sa.select(history.c.case_id, history.c.at, history.c.body)
        .where(history.c.case_id.in_(case_ids), history.c.body.like(MOVED))
        .order_by(history.c.case_id, history.c.seq)
    )
    before = ("", "")
    for case_id, at, body in tx.execute(query):
        for event in _read(body).events:
            if event.type == "Moved" and (case_id, event.state) != before:
                before = (case_id, event.state)
                yield Entered(case_id, event.state, at)


def in_states(tx: Connection, definition: str) -> dict[str, list[timedelta]]:
    """By state how long each of the newest cases of a definition stayed there and left it again."""
    newest = sa.select(cases.c.id).where(cases.c.definition == definition)
    ids = tx.execute(newest.order_by(cases.c.updated_at.desc()).limit(NEWEST)).scalars().all()
    found: dict[str, list[timedelta]] = {}
    for _, moves in groupby(entered(tx, ids), key=lambda one: one.case_id):
        one, *others = moves
        for after in others:
            found.setdefault(one.state, []).append(after.at - one.at)
            one = after
    return found


def at_steps(tx: Connection, definition: str) -> dict[str, list[timedelta]]:
    """By step how long the newest cases of a definition took until everybody asked there had answered."""
    newest = sa.select(cases.c.id).where(cases.c.definition == definition)
    newest = newest.order_by(cases.c.updated_at.desc()).limit(NEWEST)
    time = tasks.c.opened_at.type
    query = (
        sa.select(tasks.c.step, sa.func.min(tasks.c.opened_at, type_=time), sa.func.max(tasks.c.decided_at, type_=time))
        .where(tasks.c.case_id.in_(newest), tasks.c.verb != "copy")
        .group_by(tasks.c.case_id, tasks.c.round, tasks.c.step)
        .having(
            sa.func.sum(sa.case((tasks.c.state.in_(("open", "waiting")), 1), else_=0)) == 0,
            sa.func.max(tasks.c.decided_at).is_not(None),
        )
    )
    found: dict[str, list[timedelta]] = {}
    for step, opened, decided in tx.execute(query):
        found.setdefault(step, []).append(decided - opened)
    return found


def asked_since(tx: Connection, before: datetime, limit: int) -> tuple[AtStep, ...]:
    """Steps at which people are asked since before a moment, the oldest first."""
    since = sa.func.min(tasks.c.opened_at, type_=tasks.c.opened_at.type)
    columns = (cases.c.id, cases.c.definition, cases.c.version, cases.c.fingerprint, cases.c.number, cases.c.title)
    query = (
        sa.select(*columns, cases.c.state, tasks.c.step, since)
        .select_from(tasks.join(cases, cases.c.id == tasks.c.case_id))
        .where(tasks.c.state == "open", tasks.c.verb != "copy", tasks.c.opened_at < before)
        .group_by(*columns, cases.c.state, tasks.c.step)
        .order_by(since, cases.c.id)
        .limit(limit)
    )
    found = []
    for id_, definition, version, fingerprint, number, title, *rest in tx.execute(query):
        found.append(AtStep(id_, definition, version, fingerprint, number or "", title or "", *rest))
    return tuple(found)
