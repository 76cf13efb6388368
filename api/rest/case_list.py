"""Lists of cases for scripts: page by page, and by month."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from api.declared import for_reading
from api.deps import App, Reader
from api.rest.answers import answer
from engine.service import calendars, listing, lookups

router = APIRouter(tags=["cases"], dependencies=[for_reading("cases.read")])
Short = Annotated[str, Query(max_length=100)]
Day = Annotated[str, Query(max_length=10, examples=["2026-12-01"])]


@router.get("/cases")
def listed(
    app: App,
    caller: Reader,
    *,
    q: Short = "",
    state: Short = "",
    kind: Annotated[str, Query(max_length=80, description="The name of a definition")] = "",
    office: Annotated[str, Query(max_length=80, description="A code or name; those below it with it")] = "",
    mine: Annotated[bool, Query(description="Only those that the caller submits")] = False,
    since: Day = "",
    until: Day = "",
    sort: Literal["newest", "oldest", "title"] = "newest",
    limit: Annotated[int, Query(ge=1, le=listing.MOST)] = listing.PAGE,
    after: Annotated[str, Query(max_length=600, description="`after` of the page before")] = "",
) -> Response:
    """The cases that the caller may see. `after` in the answer goes on with the next page; it is empty at the end.
    `since` and `until` are days of the last change."""
    filters = {"q": q, "state": state, "kind": kind, "office": office, "mine": "1" if mine else ""}
    filters |= {"since": since, "until": until, "sort": sort}
    page = listing.page(app, caller, filters, after=after, limit=limit)
    return answer({"cases": page.rows, "after": page.after})


@router.get("/calendar")
def month(
    app: App,
    caller: Reader,
    month: Annotated[str, Query(max_length=20, examples=["2026-12"])] = "",
    office: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    """The cases that run in a month, with the days they run and how many run on each day."""
    return answer(calendars.month(app, caller, month, office))


@router.get("/lookup/{kind}")
def look_up(app: App, caller: Reader, kind: Literal["people", "offices"], q: Short = "") -> Response:
    """People or offices by a part of their name, 20 at most: what person and office fields take."""
    return answer({"found": lookups.named(app, caller, kind, q)})
