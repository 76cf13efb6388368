"""The histories of many cases, piece by piece in the order in which the cases were opened. Goes through `visible`."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.history import Entry
from engine.store.listing import Wanted, parts_of
from engine.store.tables import cases, history
from engine.store.visibility import visible


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


_COLUMNS = (
    cases.c.id,
    cases.c.number,
    cases.c.definition,
    cases.c.version,
    cases.c.office,
    cases.c.submitter,
    cases.c.state,
)


def ids(tx: Connection, person: str, wanted: Wanted) -> tuple[str, ...]:
    """The cases that `person` may see, those opened first first. All at once: no index has them in this order, so that
    to look for each piece anew would be to look through all cases as often."""
    query = sa.select(cases.c.id).where(*parts_of(person, wanted)).order_by(cases.c.created_at, cases.c.id)
    return tuple(tx.execute(query).scalars())


def heads(tx: Connection, person: str, some: Sequence[str]) -> tuple[Head, ...]:
    """Of these cases those that `person` may still see, in the same order."""
    query = sa.select(*_COLUMNS).where(cases.c.id.in_(some), visible(person))
    return tuple(Head(*row) for row in tx.execute(query.order_by(cases.c.created_at, cases.c.id)))


def entries(tx: Connection, some: Sequence[str]) -> dict[str, list[Entry]]:
    """The history of each of these cases, oldest first."""
    found: dict[str, list[Entry]] = {case_id: [] for case_id in some}
    query = sa.select(history).where(history.c.case_id.in_(some)).order_by(history.c.case_id, history.c.seq)
    for row in tx.execute(query):
        entry = Entry(*row)
        found[entry.case_id].append(entry)
    return found
