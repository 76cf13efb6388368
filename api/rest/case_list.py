"""Lists of cases for scripts: page by page, and by month."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from api.declared import for_reading
from api.deps import App, Reader
from api.rest.answers import answer
from api.rest.described import Described
from api.rest.paging import Cursor, Limit, Page, of_cursor, paged
from engine.service import calendars, listing, lookups
from engine.service.calendars import Month
from engine.service.lookups import Found
from engine.service.views import CaseRow

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["cases"], dependencies=[for_reading("cases.read")])
Short = Annotated[str, Query(max_length=100)]
Day = Annotated[str, Query(max_length=10, examples=["2026-12-01"])]


@dataclass(frozen=True, slots=True)
class CasesPage(Page):
    """Cases, in the order that was asked for."""

    cases: tuple[CaseRow, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Named:
    """People or offices of that name."""

    found: tuple[Found, ...]


@router.get("/cases", response_model=CasesPage)
def listed(
    app: App,
    caller: Reader,
    request: Request,
    *,
    q: Short = "",
    state: Short = "",
    kind: Annotated[str, Query(max_length=80, description="The name of a definition")] = "",
    office: Annotated[str, Query(max_length=80, description="A code or name; those below it with it")] = "",
    mine: Annotated[bool, Query(description="Only those that the caller submits")] = False,
    since: Day = "",
    until: Day = "",
    sort: Literal["newest", "oldest", "title"] = "newest",
    limit: Limit = listing.PAGE,
    cursor: Cursor = "",
) -> Response:
    """The cases that the caller may see. `since` and `until` are days of the last change."""
    filters = {"q": q, "state": state, "kind": kind, "office": office, "mine": "1" if mine else ""}
    filters |= {"since": since, "until": until, "sort": sort}
    with of_cursor():
        page = listing.page(app, caller, filters, after=cursor, limit=limit)
    return paged(request, CasesPage(page.rows, page.after))


@router.get("/calendar", response_model=Month)
def month(
    *,
    app: App,
    caller: Reader,
    month: Annotated[str, Query(max_length=20, examples=["2026-12"])] = "",
    office: Annotated[str, Query(max_length=80)] = "",
    kind: Annotated[str, Query(max_length=80, description="The name of a definition")] = "",
    state: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    """The cases that run in a month, with the days they run and how many run on each day."""
    return answer(calendars.month(app, caller, month, office, kind=kind, state=state))


@router.get("/lookup/{kind}", response_model=Named)
def look_up(app: App, caller: Reader, kind: Literal["people", "offices"], q: Short = "") -> Response:
    """People or offices by a part of their name, 20 at most: what person and office fields take."""
    return answer(Named(lookups.named(app, caller, kind, q)))
