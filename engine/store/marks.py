"""By what lists and calendars find a case: its title in pinyin, and the days it runs. Kept with every saving of its
form, in the same transaction."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from engine.machine.case import ProcessRef
from engine.store.lines import CASE_COLUMNS, CaseLine, case_line
from engine.store.pinyin import sorted_by
from engine.store.session import inserting
from engine.store.tables import case_marks, case_offices, cases
from engine.store.visibility import visible


@dataclass(frozen=True, slots=True)
class Running:
    """A case with the days it runs, both included."""

    line: CaseLine
    starts: date
    ends: date
    confidential: bool


@dataclass(frozen=True, slots=True)
class RunningDays:
    """Of a case that runs no more than sums over many need."""

    case_id: str
    process: ProcessRef
    state: str
    reach: int | None
    starts: date
    ends: date


@dataclass(frozen=True, slots=True)
class Wanted:
    """Cases that `person` may see and that run on one of the days from `first` to `last`, both included; those of
    `office` and the offices below it, of the definition `kind` and in `state`, where one is named. None in a state of
    `without`."""

    person: str
    first: date
    last: date
    office: str = ""
    kind: str = ""
    state: str = ""
    without: tuple[str, ...] = ()


def put(tx: Connection, case_id: str, title: str, window: tuple[date, date] | None) -> None:
    """Keep the marks of a case, in place of earlier ones."""
    starts, ends = window or (None, None)
    values = {"title_key": sorted_by(title), "starts": starts, "ends": ends}
    upsert = inserting(tx, case_marks).values(case_id=case_id, **values)
    tx.execute(upsert.on_conflict_do_update(index_elements=["case_id"], set_=values))


def running(tx: Connection, wanted: Wanted, *, limit: int | None = None) -> tuple[Running, ...]:
    """The wanted cases by their first day, so many of them."""
    columns = (*CASE_COLUMNS, case_marks.c.starts, case_marks.c.ends, cases.c.confidential)
    query = _of(wanted, *columns).order_by(case_marks.c.starts, case_marks.c.ends, cases.c.id)
    count = len(CASE_COLUMNS)
    rows = tx.execute(query.limit(limit))
    return tuple(Running(case_line(row[:count]), *row[count:]) for row in rows)  # type: ignore[arg-type]


def running_days(tx: Connection, wanted: Wanted) -> list[RunningDays]:
    """Every wanted case, in no order."""
    one, refs = cases.c, cache(ProcessRef)
    columns = (one.id, one.definition, one.version, one.fingerprint, one.state, one.reach)
    rows = tx.execute(_of(wanted, *columns, case_marks.c.starts, case_marks.c.ends))
    return [RunningDays(row[0], refs(*row[1:4]), *row[4:]) for row in rows]


def _of(wanted: Wanted, *columns: ColumnElement[Any]) -> sa.Select[Any]:
    conditions: list[ColumnElement[bool]] = [
        visible(wanted.person),
        case_marks.c.starts <= wanted.last,
        case_marks.c.ends >= wanted.first,
        cases.c.state.not_in(wanted.without),
    ]
    if wanted.office:
        conditions.append(of_office(wanted.office))
    named = ((cases.c.definition, wanted.kind), (cases.c.state, wanted.state))
    conditions += [column == name for column, name in named if name]
    return sa.select(*columns).join(case_marks, case_marks.c.case_id == cases.c.id).where(*conditions)


def window_of(tx: Connection, case_id: str) -> tuple[date, date] | None:
    """The first and the last day that a case runs, as its proposal says; None where it says none."""
    query = sa.select(case_marks.c.starts, case_marks.c.ends).where(case_marks.c.case_id == case_id)
    row = tx.execute(query).one_or_none()
    return None if row is None or row.starts is None else (row.starts, row.ends)


def of_office(office: str) -> ColumnElement[bool]:
    """Whether the case of the row at hand in `cases` is of this office or of one below it."""
    return sa.exists().where(case_offices.c.case_id == cases.c.id, case_offices.c.office == office)
