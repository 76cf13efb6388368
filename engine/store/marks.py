"""By what lists and calendars find a case: its title in pinyin, and the days it runs. Kept with every saving of its
form, in the same transaction."""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

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


def put(tx: Connection, case_id: str, title: str, window: tuple[date, date] | None) -> None:
    """Keep the marks of a case, in place of earlier ones."""
    starts, ends = window or (None, None)
    values = {"title_key": sorted_by(title), "starts": starts, "ends": ends}
    upsert = inserting(tx, case_marks).values(case_id=case_id, **values)
    tx.execute(upsert.on_conflict_do_update(index_elements=["case_id"], set_=values))


def running(
    tx: Connection,
    person: str,
    first: date,
    last: date,
    *,
    office: str = "",
    kind: str = "",
    state: str = "",
    without: tuple[str, ...] = (),
    limit: int,
) -> tuple[Running, ...]:
    """The cases that `person` may see which run on one of the days from `first` to `last`, by their first day; those
    of `office` and the offices below it, of the definition `kind` and in `state`, where one is named. None in a state
    of `without`."""
    wanted: list[ColumnElement[bool]] = [
        visible(person),
        case_marks.c.starts <= last,
        case_marks.c.ends >= first,
        cases.c.state.not_in(without),
    ]
    if office:
        wanted.append(of_office(office))
    wanted += [column == name for column, name in ((cases.c.definition, kind), (cases.c.state, state)) if name]
    columns = (*CASE_COLUMNS, case_marks.c.starts, case_marks.c.ends, cases.c.confidential)
    query = sa.select(*columns).join(case_marks, case_marks.c.case_id == cases.c.id).where(*wanted)
    rows = tx.execute(query.order_by(case_marks.c.starts, case_marks.c.ends, cases.c.id).limit(limit))
    count = len(CASE_COLUMNS)
    return tuple(Running(case_line(row[:count]), *row[count:]) for row in rows)  # type: ignore[arg-type]


def window_of(tx: Connection, case_id: str) -> tuple[date, date] | None:
    """The first and the last day that a case runs, as its proposal says; None where it says none."""
    query = sa.select(case_marks.c.starts, case_marks.c.ends).where(case_marks.c.case_id == case_id)
    row = tx.execute(query).one_or_none()
    return None if row is None or row.starts is None else (row.starts, row.ends)


def of_office(office: str) -> ColumnElement[bool]:
    """Whether the case of the row at hand in `cases` is of this office or of one below it."""
    return sa.exists().where(case_offices.c.case_id == cases.c.id, case_offices.c.office == office)
