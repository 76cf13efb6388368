"""The histories of all cases and of the organisation as one list, the newest entry first.

Read page by page with a cursor, so that the millionth entry costs what the first does. Refuses to judge who may read
it: every case is in it.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from engine.store.columns import UtcTime
from engine.store.tables import cases, history, organisation_history
from engine.store.trail import NAME

Source = Literal["case", "organisation"]
CHECKED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries. `person` acted or was acted for, or is what the entry is about; `case` is an id; `kind` a command
    or a change; from `since` until, not at, `until`."""

    person: str = ""
    case: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """An entry. `subject` is the id of the case, or whom or what a change was about; `body` is the JSON that was
    hashed."""

    at: datetime
    source: Source
    subject: str
    seq: int
    kind: str
    actor: str
    on_behalf_of: str
    via: str
    address: str
    body: str
    number: str
    title: str


@dataclass(frozen=True, slots=True)
class Place:
    """An entry as a cursor names it: the next page begins after it."""

    at: datetime
    source: Source
    subject: str
    seq: int


def listed(tx: Connection, wanted: Wanted, after: Place | None = None, limit: int = 50) -> tuple[Line, ...]:
    """Up to `limit` entries after the cursor, the newest first."""
    of_cases = (_case_line(row) for row in tx.execute(_of_cases(wanted, after).limit(limit)))
    others: Iterator[Line] = iter(())
    if not wanted.case:
        others = (_line(row) for row in tx.execute(_of_organisation(wanted, after).limit(limit)))
    merged = heapq.merge(of_cases, others, key=lambda line: (line.at, line.source), reverse=True)
    return tuple(islice(merged, limit))


def heads(tx: Connection) -> tuple[tuple[str, int, str], ...]:
    """Case, number and hash of the newest entry of every history, in a fixed order."""
    query = sa.select(cases.c.id, cases.c.seq, cases.c.head).order_by(cases.c.id)
    return tuple((row.id, row.seq, row.head) for row in tx.execute(query))


def hashes(tx: Connection, places: list[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """The hash of each of these entries that is there."""
    found: dict[tuple[str, int], str] = {}
    for first in range(0, len(places), CHECKED_AT_ONCE):
        some = sa.tuple_(history.c.case_id, history.c.seq).in_(places[first : first + CHECKED_AT_ONCE])
        rows = tx.execute(sa.select(history.c.case_id, history.c.seq, history.c.hash).where(some))
        found |= {(row.case_id, row.seq): row.hash for row in rows}
    return found


def case_ids_after(tx: Connection, after: str, limit: int) -> tuple[str, ...]:
    """The next cases by id."""
    query = sa.select(cases.c.id).where(cases.c.id > after).order_by(cases.c.id).limit(limit)
    return tuple(tx.execute(query).scalars())


def count_cases(tx: Connection) -> int:
    """How many cases there are."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(cases)).scalar_one())


def _of_cases(wanted: Wanted, after: Place | None) -> sa.Select[Any]:
    t = history
    columns = (t.c.at, t.c.case_id, t.c.seq, t.c.kind, t.c.actor, t.c.on_behalf_of, t.c.via, t.c.body)
    query = sa.select(*columns, cases.c.number, cases.c.title).join(cases, cases.c.id == t.c.case_id)
    conditions = [*_common(t.c, wanted), *_beyond(t.c.at, t.c.case_id, t.c.seq, "case", after)]
    if wanted.case:
        conditions.append(t.c.case_id == wanted.case)
    if wanted.person:
        conditions.append(sa.or_(t.c.actor == wanted.person, t.c.on_behalf_of == wanted.person))
    return query.where(*conditions).order_by(t.c.at.desc(), t.c.case_id.desc(), t.c.seq.desc())


def _of_organisation(wanted: Wanted, after: Place | None) -> sa.Select[Any]:
    t = organisation_history
    conditions = [*_common(t.c, wanted), *_beyond(t.c.at, None, t.c.seq, NAME, after)]
    if wanted.person:
        conditions.append(sa.or_(t.c.actor == wanted.person, t.c.subject == wanted.person))
    return sa.select(t).where(*conditions).order_by(t.c.at.desc(), t.c.seq.desc())


def _common(c: Any, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.kind:
        conditions.append(c.kind == wanted.kind)
    if wanted.since is not None:
        conditions.append(c.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(c.at < wanted.until)
    return conditions


def _beyond(at: Any, subject: Any, seq: Any, source: str, after: Place | None) -> list[sa.ColumnElement[bool]]:
    """Older than the cursor; of one moment, first all of the organisation, then of the cases."""
    if after is None:
        return []
    if source != after.source:
        return [at <= after.at if source < after.source else at < after.at]
    moment, name, number = sa.literal(after.at, UtcTime()), sa.literal(after.subject), sa.literal(after.seq)
    if subject is None:
        return [at <= after.at, sa.tuple_(at, seq) < sa.tuple_(moment, number)]
    return [at <= after.at, sa.tuple_(at, subject, seq) < sa.tuple_(moment, name, number)]


def _case_line(row: Row[Any]) -> Line:
    return Line(
        row.at, "case", row.case_id, row.seq, row.kind, row.actor, row.on_behalf_of, row.via, "", row.body,
        row.number or "", row.title,
    )  # fmt: skip


def _line(row: Row[Any]) -> Line:
    return Line(
        row.at, "organisation", row.subject, row.seq, row.kind, row.actor, "", row.via, row.address, row.body, "", ""
    )  # fmt: skip
