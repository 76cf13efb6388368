"""One page of the list of cases: what is wanted, sorted, from where the last page ended. Goes through `visible`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from engine.store import registers
from engine.store.lines import CASE_COLUMNS, CaseLine, case_line
from engine.store.marks import of_office
from engine.store.tables import case_marks, cases
from engine.store.visibility import visible

Sort = Literal["newest", "oldest", "title"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases. `query` looks in title, number and register number; `since` and `until` at the last change."""

    query: str = ""
    state: str = ""
    definition: str = ""
    office: str = ""
    submitter: str = ""
    since: datetime | None = None
    until: datetime | None = None
    sort: Sort = "newest"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: what its last case was sorted by, and its id."""

    key: str
    case_id: str


def page(
    tx: Connection, person: str, wanted: Wanted, after: Place | None, *, limit: int
) -> tuple[tuple[CaseLine, ...], Place | None]:
    """At most `limit` cases after `after`, and where to go on; None where there are no more."""
    key: ColumnElement[str] = sa.func.coalesce(case_marks.c.title_key, "")
    parts = parts_of(person, wanted)
    query = sa.select(*CASE_COLUMNS, key).outerjoin(case_marks, case_marks.c.case_id == cases.c.id)
    match wanted.sort:
        case "title":
            parts += [sa.tuple_(key, cases.c.id) > (after.key, after.case_id)] if after else []
            query = query.where(*parts).order_by(key, cases.c.id)
        case "newest":
            at = cases.c.updated_at
            parts += [_beyond(at, at < _moment(after), after)] if after else []
            query = query.where(*parts).order_by(at.desc(), cases.c.id)
        case "oldest":
            at = cases.c.updated_at
            parts += [_beyond(at, at > _moment(after), after)] if after else []
            query = query.where(*parts).order_by(at, cases.c.id)
    rows = tx.execute(query.limit(limit + 1)).all()
    lines = tuple(case_line(row[:-1]) for row in rows[:limit])  # type: ignore[arg-type]
    if len(rows) <= limit:
        return lines, None
    last = lines[-1]
    return lines, Place(rows[limit - 1][-1] if wanted.sort == "title" else last.updated_at.isoformat(), last.id)


def _moment(after: Place) -> datetime:
    return datetime.fromisoformat(after.key)


def _beyond(at: ColumnElement[datetime], is_past: ColumnElement[bool], after: Place) -> ColumnElement[bool]:
    return sa.or_(is_past, sa.and_(at == _moment(after), cases.c.id > after.case_id))


def parts_of(person: str, wanted: Wanted) -> list[ColumnElement[bool]]:
    """What holds for each case that is wanted and that `person` may see."""
    parts = [visible(person)]
    parts += [cases.c.state == wanted.state] if wanted.state else []
    parts += [cases.c.definition == wanted.definition] if wanted.definition else []
    parts += [of_office(wanted.office)] if wanted.office else []
    parts += [cases.c.submitter == wanted.submitter] if wanted.submitter else []
    parts += [cases.c.updated_at >= wanted.since] if wanted.since else []
    parts += [cases.c.updated_at < wanted.until] if wanted.until else []
    if wanted.query:
        in_title = cases.c.title.icontains(wanted.query, autoescape=True)
        parts.append(sa.or_(in_title, cases.c.number == wanted.query, registers.has(wanted.query)))
    return parts
