"""The case library (案例库): closed cases with their verdicts and lessons, to learn from and to begin a new one from.

Everything goes through `visibility`. A title that the viewer does not see is not found by its words either: such a
case takes no place on a page. Refuses cases whose definition keeps them out.
"""

from collections.abc import Mapping
from itertools import count, islice, takewhile
from urllib.parse import urlencode

from sqlalchemy import Connection

from engine.service import candidates, definitions, freezing, showing
from engine.service.app import Countersign
from engine.service.authorizing import allowed
from engine.service.closing_views import LessonsView, LibraryPage, LibraryRow
from engine.service.days import span_of
from engine.service.views import Viewer
from engine.store import closings
from engine.store.closings import Closing, Sought
from engine.store.lines import CaseLine
from engine.values import Bilingual

SHOWN = 20
MOST_PAGES = 500
AT_ONCE = 200
NAMES = ("q", "kind", "office", "category", "channel", "verdict", "since", "until")
"""What narrows the library, as it stands in addresses."""


def page(
    app: Countersign, viewer: Viewer, filters: Mapping[str, str], *, number: int = 1, limit: int = SHOWN
) -> LibraryPage:
    """A page of the cases of the library that the viewer may see and `filters` (see NAMES) name, the last closed first.
    Invalid for a filter that cannot be read."""
    number, limit = min(max(number, 1), MOST_PAGES), min(max(limit, 1), 200)
    with app.db.read() as tx:
        sought, office = _sought(app, tx, filters)
        found = _found(app, tx, viewer, sought, first=(number - 1) * limit, most=limit + 1)
        return LibraryPage(
            rows=found[:limit],
            page=number,
            next=number + 1 if len(found) > limit and number < MOST_PAGES else 0,
            kinds=tuple((kind.name, kind.title) for kind in definitions.startable(app)),
            categories=closings.categories(tx, viewer.person),
            office=office,
            may_copy=allowed(viewer, "cases.start"),
        )


def query_of(filters: Mapping[str, str]) -> str:
    """The filters as the part of an address behind the question mark."""
    return urlencode([(name, filters[name]) for name in NAMES if filters.get(name)])


def _found(
    app: Countersign, tx: Connection, viewer: Viewer, sought: Sought, *, first: int, most: int
) -> tuple[LibraryRow, ...]:
    """`most` cases from place `first` on. Where words are looked for, places are counted over what may be found."""

    def rows(offset: int, limit: int) -> list[LibraryRow]:
        read = closings.library(tx, viewer.person, sought, limit=limit, offset=offset)
        return [_row(app, tx, viewer, line, closing) for line, closing in read]

    if not sought.words:
        return tuple(rows(first, most))
    pieces = takewhile(bool, (rows(offset, AT_ONCE) for offset in count(0, AT_ONCE)))
    found = (row for piece in pieces for row in piece if _is_found(row, sought.words))
    return tuple(islice(found, first, first + most))


def _row(app: Countersign, tx: Connection, viewer: Viewer, line: CaseLine, closing: Closing) -> LibraryRow:
    frozen = freezing.read(closing)
    return LibraryRow(
        row=showing.case_row(app, tx, line, viewer.person),
        closed_at=closing.closed_at,
        report=frozen.report if frozen else None,
        lessons=LessonsView(closing.worked, closing.failed, closing.repeat),
        category=closing.category,
        channels=tuple(filter(None, closing.channels.split(","))),
    )


def _is_found(row: LibraryRow, words: str) -> bool:
    wanted = words.casefold()
    lessons = (row.lessons.worked, row.lessons.failed, row.lessons.repeat)
    return bool(row.row.title) or any(wanted in text.casefold() for text in (row.row.number, *lessons))


def _sought(app: Countersign, tx: Connection, filters: Mapping[str, str]) -> tuple[Sought, Bilingual | None]:
    typed = filters.get("office", "").strip()
    office, label = candidates.one_office(app.organisation(tx), typed) if typed else ("", None)
    since, until = span_of(filters.get("since", ""), filters.get("until", ""), app.settings.zone)
    sought = Sought(
        words=filters.get("q", "").strip()[:100],
        definition=filters.get("kind", "")[:80],
        office=office,
        category=filters.get("category", "")[:80],
        channel=filters.get("channel", "")[:20],
        verdict=filters.get("verdict", "")[:20],
        since=since,
        until=until,
    )
    return sought, label
