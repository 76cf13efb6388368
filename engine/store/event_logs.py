"""The histories of many cases, piece by piece in the order in which the cases were opened. Goes through `visible`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.history import Entry
from engine.store.listing import Wanted, parts_of
from engine.store.tables import cases, history


@dataclass(frozen=True, slots=True)
class Head:
    """What an event log says of a case as a whole."""

    id: str
    number: str | None
    definition: str
    version: int
    office: str
    submitter: str
    state: str
    created_at: datetime


_COLUMNS = (
    cases.c.id,
    cases.c.number,
    cases.c.definition,
    cases.c.version,
    cases.c.office,
    cases.c.submitter,
    cases.c.state,
    cases.c.created_at,
)


def heads(tx: Connection, person: str, wanted: Wanted, after: Head | None, *, limit: int) -> tuple[Head, ...]:
    """At most `limit` cases that `person` may see, those opened first first, from after the case `after`."""
    parts = parts_of(person, wanted)
    if after is not None:
        at = cases.c.created_at
        same = sa.and_(at == after.created_at, cases.c.id > after.id)
        parts.append(sa.or_(at > after.created_at, same))
    query = sa.select(*_COLUMNS).where(*parts).order_by(cases.c.created_at, cases.c.id)
    return tuple(Head(*row) for row in tx.execute(query.limit(limit)))


def entries(tx: Connection, ids: Sequence[str]) -> dict[str, list[Entry]]:
    """The history of each of these cases, oldest first."""
    found: dict[str, list[Entry]] = {case_id: [] for case_id in ids}
    query = sa.select(history).where(history.c.case_id.in_(ids)).order_by(history.c.case_id, history.c.seq)
    for row in tx.execute(query):
        entry = Entry(*row)
        found[entry.case_id].append(entry)
    return found
