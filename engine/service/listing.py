"""The list of cases page by page, and the filters that a person keeps.

Everything goes through `visibility`. A title that the viewer does not see is not found by its words either, so a page
may be shorter than asked for; where it goes on stands beside it.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import cast, get_args
from urllib.parse import urlencode

from sqlalchemy import Connection

from engine.errors import Invalid, Problem
from engine.service import candidates, definitions, showing
from engine.service.app import Countersign
from engine.service.views import CaseRow, Viewer
from engine.store import listing, registers
from engine.store.listing import Place, Sort, Wanted
from engine.values import Bilingual

PAGE = 50
MOST = 200
MOST_SAVED = 20
LONGEST_NAME = 60
NAMES = ("q", "state", "kind", "office", "mine", "since", "until", "sort")


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A filter kept under a name; `query` is the part of the address behind the question mark."""

    name: str
    query: str


@dataclass(frozen=True, slots=True)
class CasePage:
    """One page of cases. `after` goes on with the next; empty at the end. `kinds` are those to choose from."""

    rows: tuple[CaseRow, ...]
    after: str
    kinds: tuple[tuple[str, Bilingual], ...]
    office: Bilingual | None
    saved: tuple[SavedFilter, ...]


def page(
    app: Countersign, viewer: Viewer, filters: Mapping[str, str], *, after: str = "", limit: int = PAGE
) -> CasePage:
    """The cases that the viewer may see and `filters` name (see NAMES), `limit` at most, from where `after` says.

    Raises Invalid for a filter that cannot be read, and for an `after` that no page gave.
    """
    with app.db.read() as tx:
        wanted, office = wanted_of(app, tx, viewer, filters)
        limit = max(1, min(limit, MOST))
        lines, on = listing.page(tx, viewer.person, wanted, _place(after, wanted.sort), limit=limit)
        rows = tuple(showing.case_row(app, tx, line, viewer.person) for line in lines)
        registered = registers.cases_of(tx, wanted.query) if wanted.query else frozenset()
        looked_for = wanted.query.lower()
        return CasePage(
            rows=tuple(row for row in rows if row.title or looked_for in row.number.lower() or row.id in registered),
            after=_written(on) if on else "",
            kinds=tuple((kind.name, kind.title) for kind in definitions.startable(app)),
            office=office,
            saved=tuple(SavedFilter(*one) for one in listing.saved(tx, viewer.person)),
        )


def save(app: Countersign, viewer: Viewer, name: str, filters: Mapping[str, str]) -> None:
    """Keep a filter under a name, in place of one of that name."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise Invalid([Problem("filter_name", "give the filter a name of at most 60 signs", at="name")])
    query = query_of(filters)
    if not query or len(query) > 1000:
        raise Invalid([Problem("filter_empty", "choose a filter first, then keep it", at="name")])
    with app.db.begin() as tx:
        known = {kept for kept, _ in listing.saved(tx, viewer.person)} - {name}
        if len(known) >= MOST_SAVED:
            raise Invalid([Problem("filter_many", "you keep 20 filters already; remove one first", at="name")])
        listing.save(tx, viewer.person, name, query)


def forget(app: Countersign, viewer: Viewer, name: str) -> None:
    """Keep a filter no longer; one that is not there changes nothing."""
    with app.db.begin() as tx:
        listing.forget(tx, viewer.person, name)


def query_of(filters: Mapping[str, str]) -> str:
    """The filters as the part of an address behind the question mark."""
    return urlencode([(name, filters[name]) for name in NAMES if filters.get(name)])


def wanted_of(
    app: Countersign, tx: Connection, viewer: Viewer, filters: Mapping[str, str]
) -> tuple[Wanted, Bilingual | None]:
    """What filters name, and the label of their office. Raises Invalid for one that cannot be read."""
    typed = filters.get("office", "").strip()
    office, label = candidates.one_office(app.organisation(tx), typed) if typed else ("", None)
    sort = filters.get("sort") or "newest"
    if sort not in get_args(Sort):
        raise Invalid([Problem("filter_sort", "sort by newest, oldest or title", at="sort")])
    until = _day(app, filters, "until")
    wanted = Wanted(
        query=filters.get("q", "").strip()[:100],
        state=filters.get("state", "")[:24],
        definition=filters.get("kind", "")[:80],
        office=office,
        submitter=viewer.person if filters.get("mine") else "",
        since=_day(app, filters, "since"),
        until=until + timedelta(days=1) if until else None,
        sort=cast("Sort", sort),
    )
    return wanted, label


def _day(app: Countersign, filters: Mapping[str, str], name: str) -> datetime | None:
    """The beginning of a day in the office's zone."""
    text = filters.get(name, "").strip()
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), app.settings.zone)
    except ValueError:
        raise Invalid([Problem("form.not_date", f"not a day: {text}", at=name, fields={"value": text})]) from None


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
