"""The calendar of cases by month, and its feed at a secret address."""

import contextlib
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from api.declared import for_anybody, for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, address_of, form_key
from api.errors import sentence
from api.exporting import Asked, exported
from api.pages.saved_views import bar_of
from api.visit import Visit
from engine.errors import Invalid
from engine.service import calendar_table, calendars
from engine.service.calendar_table import NAMES
from engine.service.views import Viewer

router = APIRouter()
READ, KEEP = for_page("cases.read"), for_page("account.keep")
SECRET = for_anybody("a calendar program has no session: whoever has the secret address reads what its person sees")


@router.get("/calendar", dependencies=[READ])
def show(
    *, app: App, visit: CurrentVisit, viewer: CurrentViewer, request: Request, view: str = "", form: Asked = ""
) -> Response:
    """The cases of a month; the filters are in the address, `view` is the saved view that led here."""
    filters = {name: request.query_params.get(name, "")[:80] for name in NAMES}
    if form:
        with contextlib.suppress(Invalid):  # the page says what is wrong
            return exported(calendar_table.table(app, viewer, filters), form, visit.language)
    return _page(visit, viewer, filters, view=view)


@router.post("/calendar/address", dependencies=[KEEP])
def make(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Make an address, and show it this once."""
    form_key(form, viewer)
    return _page(visit, viewer, {}, address=calendars.make_address(app, viewer))


@router.post("/calendar/address/revoke", dependencies=[KEEP])
def revoke(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """The address is worth nothing any more."""
    form_key(form, viewer)
    calendars.revoke(app, viewer)
    return visit.go("/calendar")


@router.get("/calendar/{token}.ics", dependencies=[SECRET])
def feed(app: App, request: Request, token: str) -> Response:
    """The feed of the token's person."""
    return Response(calendars.feed(app, token, address_of(request)), media_type="text/calendar; charset=utf-8")


def _page(visit: Visit, viewer: Viewer, filters: dict[str, str], *, address: str = "", view: str = "") -> Response:
    name, office, kind, state = (filters.get(name, "") for name in NAMES)
    try:
        shown, error, status = calendars.month(visit.app, viewer, name, office, kind=kind, state=state), "", 200
    except Invalid as wrong:
        shown, error, status = calendars.month(visit.app, viewer), sentence(wrong, visit.formats), wrong.status
    kept = urlencode([(name, filters[name]) for name in NAMES[1:] if filters.get(name)])
    told: dict[str, Any] = {"month": shown, "office": office, "kept": kept, "error": error, "address": address}
    bar = bar_of(visit, viewer, "calendar", {**filters, "month": f"{shown.first:%Y-%m}"}, view)
    return visit.page("calendar.html", status=status, **told, **bar)
