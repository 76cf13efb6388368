"""One list of the inbox, a page at a time, narrowed as the viewer asks; with what waits for those they stand in for.

A page continues behind the last row of the one before it. Refuses cursors that it did not give out.
"""

import base64
import binascii
import dataclasses
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from engine.errors import Invalid, Problem
from engine.machine.case import Case
from engine.service import splitting, standins
from engine.service.app import Countersign
from engine.service.fields import hidden
from engine.service.showing import case_row, flags_of, office_name, person_name, task_row
from engine.service.views import CaseRow, InboxPage, TaskRow, ToClose, UnreadReplies, Viewer
from engine.store import cases, closings, history, replies
from engine.store import inbox as store
from engine.store.definitions import ENDED
from engine.store.inbox import ROWS, Due, Key, List, Wanted
from engine.store.lines import TaskLine

__all__ = ["Due", "List", "Wanted", "first", "page"]


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    """What of a list is asked for: `limit` rows of those wanted, behind `after`."""

    wanted: Wanted = store.ALL
    after: Key | None = None
    limit: int = ROWS

    def of(self, more: int) -> "_Part":
        """The same with so many rows more."""
        return dataclasses.replace(self, limit=self.limit + more)


def page(
    app: Countersign, viewer: Viewer, which: List, *, wanted: Wanted = store.ALL, after: str = "", limit: int = ROWS
) -> InboxPage:
    """A page of one list, with the counts of all. Raises Invalid for a cursor that is none."""
    wanted = dataclasses.replace(wanted, now=app.now())
    part = _Part(wanted, _key(after, which) if after else None, limit)
    with app.db.read() as tx:
        counts = store.counts(tx, viewer.person)
        counts["to_do"] += len(_for_others(app, tx, viewer, _Part())[0])
        kinds, offices = store.among(tx, viewer.person, which)
        mine: tuple[CaseRow, ...] = ()
        rows: tuple[TaskRow, ...] = ()
        match which:
            case "to_do":
                rows, last = _to_do(app, tx, viewer, part)
                rows = splitting.flagged(app, tx, viewer, _flagged(app, tx, viewer, rows))
            case "mine":
                mine, last = _mine(app, tx, viewer, part)
            case "done" | "copied":
                look = store.done if which == "done" else store.copied
                lines = look(tx, viewer.person, limit + 1, wanted=wanted, after=part.after)
                rows = tuple(task_row(app, tx, line, viewer.person) for line in lines[:limit])
                shown = lines[limit - 1] if len(lines) > limit else None
                last = (shown.decided_at if which == "done" else shown.opened_at, None, shown.id) if shown else None
        return InboxPage(
            tasks=tuple(row for row in rows if _is_found(row.case, wanted)),
            mine=tuple(row for row in mine if _is_found(row, wanted)),
            counts=counts,
            after=_cursor(last) if last else "",
            kinds=tuple((ref.name, app.definition(ref).title) for ref in kinds),
            offices=tuple((code, office_name(app.organisation(tx), code)) for code in offices),
            replies=tuple(
                UnreadReplies(one.case_id, one.number or "", one.title or "", one.count)
                for one in replies.unread_of(tx, viewer.person)
            ),
            to_close=tuple(ToClose(*one) for one in closings.to_close(tx, viewer.person)),
        )


def first(app: Countersign, tx: Connection, viewer: Viewer, *, but: str) -> tuple[TaskRow, ...]:
    """What waits for the viewer first, besides this task."""
    rows, _ = _to_do(app, tx, viewer, _Part(limit=2))
    return tuple(row for row in rows if row.id != but)


def _is_found(row: CaseRow, wanted: Wanted) -> bool:
    """A title that is not seen is not found by its words either."""
    return bool(row.title) or not wanted.text or wanted.text.lower() in row.number.lower()


def _to_do(app: Countersign, tx: Connection, viewer: Viewer, part: _Part) -> tuple[tuple[TaskRow, ...], Key | None]:
    """The first rows of the viewer's and of those whom they represent; where the next page begins, if there is one."""
    me, now, limit = viewer.person, app.now(), part.limit
    lines = store.to_do(tx, me, limit + 1, wanted=part.wanted, after=part.after)
    found = [task_row(app, tx, line, me, flags=flags_of(line, now)) for line in lines]
    others, ends = _for_others(app, tx, viewer, part.of(1))
    if len(lines) > limit:
        ends.append(_order(lines[-1]))
    # of a list that is longer than what was read of it, only what stands before its end is known
    end = min(ends, default=None)
    rows = [row for row in standins.in_order((*found, *others)) if end is None or _order(row) <= end]
    if len(rows) > limit:
        end = _order(rows[limit - 1])
    return tuple(rows[:limit]), (None if end[0] else end[1], end[2], end[3]) if end is not None else None


def _for_others(
    app: Countersign, tx: Connection, viewer: Viewer, part: _Part
) -> tuple[list[TaskRow], list[tuple[bool, datetime | None, datetime, str]]]:
    """What the viewer may decide for others now; and the ends of the lists that go on behind what was read."""
    rows, ends = [], []
    for person in standins.represents(app, tx, viewer):
        lines = store.to_do(tx, person, part.limit, wanted=part.wanted, after=part.after)
        whose = person_name(app.organisation(tx), person)
        for line in standins.theirs(app, tx, viewer, person, lines):
            flags = flags_of(line, app.now())
            rows.append(task_row(app, tx, line, viewer.person, flags=flags, on_behalf_of=whose))
        if len(lines) == part.limit:
            ends.append(_order(lines[-1]))
    return rows, ends


def _order(row: TaskRow | TaskLine) -> tuple[bool, Any, datetime, str]:
    """Where it stands in the list; two without a time are told apart by the rest."""
    return (row.due_at is None, row.due_at or datetime.max.replace(tzinfo=row.opened_at.tzinfo), row.opened_at, row.id)


def _mine(app: Countersign, tx: Connection, viewer: Viewer, part: _Part) -> tuple[tuple[CaseRow, ...], Key | None]:
    lines = store.mine(tx, viewer.person, part.limit + 1, wanted=part.wanted, after=part.after)
    shown = lines[: part.limit]
    amended = history.amended(tx, [line.id for line in shown if line.state not in ENDED])
    rows = tuple(
        dataclasses.replace(case_row(app, tx, line, viewer.person), amended=line.id in amended) for line in shown
    )
    return rows, (shown[-1].updated_at, None, shown[-1].id) if len(lines) > part.limit else None


def _flagged(app: Countersign, tx: Connection, viewer: Viewer, rows: tuple[TaskRow, ...]) -> tuple[TaskRow, ...]:
    """The rows, marked where the customers are not as many as declared, and where a question stops the clock."""
    known = {case.id: case for case in cases.load_many(tx, [row.case.id for row in rows])}

    def flags(case: Case) -> Iterator[str]:
        if case.drift is not None and case.drift.field not in hidden(app, tx, viewer.person, case):
            yield "drift"
        if case.stopped:
            yield "question"

    return tuple(dataclasses.replace(row, flags=(*row.flags, *flags(known[row.case.id]))) for row in rows)


def _cursor(key: Key) -> str:
    parts = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def _key(cursor: str, which: List) -> Key:
    wrong = Problem("cursor", "the list cannot go on from there", "begin at its first page", at="after")
    try:
        due, opened, last = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        moments = [None if one is None else datetime.fromisoformat(one) for one in (due, opened)]
    except (ValueError, TypeError, binascii.Error) as error:
        raise Invalid([wrong]) from error
    ordered_by = moments[1] if which == "to_do" else moments[0]
    if (
        ordered_by is None
        or not isinstance(last, str)
        or any(one is not None and one.tzinfo is None for one in moments)
    ):
        raise Invalid([wrong])
    return (moments[0], moments[1], last)
