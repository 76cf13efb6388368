"""The list of cases page by page. As a table it is `case_table`'s; kept under a name it is a saved view.

Everything goes through `visibility`. A title that the viewer does not see is not found by its words either: such a
case takes no place on a page, and no page is said to follow for its sake.
"""

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast, get_args
from urllib.parse import urlencode

from sqlalchemy import Connection

from engine.errors import Invalid, Problem
from engine.service import candidates, definitions, showing
from engine.service.app import Countersign
from engine.service.days import span_of
from engine.service.views import CaseRow, Viewer
from engine.store import listing, registers
from engine.store.listing import Place, Sort, Wanted
from engine.values import Bilingual

PAGE = 50
MOST = 200
NAMES = ("q", "state", "kind", "office", "mine", "since", "until", "sort")


@dataclass(frozen=True, slots=True)
class CasePage:
    """One page of cases. `after` goes on with the next; empty at the end. `kinds` are those to choose from."""

    rows: tuple[CaseRow, ...]
    after: str
    kinds: tuple[tuple[str, Bilingual], ...]
    office: Bilingual | None


def page(
    app: Countersign, viewer: Viewer, filters: Mapping[str, str], *, after: str = "", limit: int = PAGE
) -> CasePage:
    """The cases that the viewer may see and `filters` name (see NAMES), `limit` at most, from where `after` says.

    Raises Invalid for a filter that cannot be read, and for an `after` that no page gave.
    """
    with app.db.read() as tx:
        wanted, office = wanted_of(app, tx, viewer, filters)
        limit = max(1, min(limit, MOST))
        rows, on = _found(app, tx, viewer, wanted, _place(after, wanted.sort), limit=limit)
        return CasePage(
            rows=rows,
            after=_written(on) if on else "",
            kinds=tuple((kind.name, kind.title) for kind in definitions.startable(app)),
            office=office,
        )


def _found(
    app: Countersign, tx: Connection, viewer: Viewer, wanted: Wanted, begin: Place | None, *, limit: int
) -> tuple[tuple[CaseRow, ...], Place | None]:
    """`limit` cases that may be found, and where to go on; None where none of them comes behind."""
    registered = registers.cases_of(tx, wanted.query) if wanted.query else frozenset()

    def piece(place: Place | None, most: int) -> tuple[list[CaseRow], Place | None]:
        lines, behind = listing.page(tx, viewer.person, wanted, place, limit=most)
        rows = (showing.case_row(app, tx, line, viewer.person) for line in lines)
        return [row for row in rows if may_be_found(row, wanted, registered)], behind

    found, on = piece(begin, limit)
    while on and len(found) < limit:
        more, on = piece(on, limit - len(found))
        found += more
    ahead, more = on, []
    while wanted.query and ahead and not more:
        more, ahead = piece(ahead, MOST)
    return tuple(found), on if more or not wanted.query else None


def may_be_found(row: CaseRow, wanted: Wanted, registered: Collection[str]) -> bool:
    """Whether the words looked for may find this row: not by a title that the viewer does not see. `registered` are the
    cases whose register number they are."""
    return bool(row.title) or wanted.query.lower() in row.number.lower() or row.id in registered


def query_of(filters: Mapping[str, str]) -> str:
    """The filters as the part of an address behind the question mark."""
    return urlencode([(name, filters[name]) for name in NAMES if filters.get(name)])


def wanted_of(
    app: Countersign, tx: Connection, viewer: Viewer, filters: Mapping[str, str]
) -> tuple[Wanted, Bilingual | None]:
    """What the filters ask for, and the name of the office among them. Invalid for one that cannot be read."""
    typed = filters.get("office", "").strip()
    office, label = candidates.one_office(app.organisation(tx), typed) if typed else ("", None)
    sort = filters.get("sort") or "newest"
    if sort not in get_args(Sort):
        raise Invalid([Problem("filter_sort", "sort by newest, oldest or title", at="sort")])
    since, until = span_of(filters.get("since", ""), filters.get("until", ""), app.settings.zone)
    wanted = Wanted(
        query=filters.get("q", "").strip()[:100],
        state=filters.get("state", "")[:24],
        definition=filters.get("kind", "")[:80],
        office=office,
        submitter=viewer.person if filters.get("mine") else "",
        since=since,
        until=until,
        sort=cast("Sort", sort),
    )
    return wanted, label


def _written(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps([place.key, place.case_id]).encode()).decode().rstrip("=")


def _place(after: str, sort: Sort) -> Place | None:
    if not after:
        return None
    try:
        key, case_id = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        if not isinstance(key, str) or not isinstance(case_id, str):
            raise ValueError
        if sort != "title" and datetime.fromisoformat(key).tzinfo is None:
            raise ValueError
        return Place(key, case_id)
    except (ValueError, TypeError, binascii.Error):
        raise Invalid([Problem("after", "this place in the list is not known", at="after")]) from None
