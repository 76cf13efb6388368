"""The calendar of cases by month, and its feed at a secret address."""

from fastapi import APIRouter, Request, Response

from api.declared import for_anybody, for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, address_of, form_key
from api.errors import sentence
from api.visit import Visit
from engine.errors import Invalid
from engine.service import calendars
from engine.service.views import Viewer

router = APIRouter()
READ, KEEP = for_page("cases.read"), for_page("account.keep")
SECRET = for_anybody("a calendar program has no session: whoever has the secret address reads what its person sees")


@router.get("/calendar", dependencies=[READ])
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, month: str = "", office: str = "") -> Response:
    """The cases of a month; month and office are in the address."""
    return _page(visit, viewer, month[:20], office[:80])


@router.post("/calendar/address", dependencies=[KEEP])
def make(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Make an address, and show it this once."""
    form_key(form, viewer)
    return _page(visit, viewer, "", "", address=calendars.make_address(app, viewer))


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


def _page(visit: Visit, viewer: Viewer, month: str, office: str, *, address: str = "") -> Response:
    try:
        shown, error, status = calendars.month(visit.app, viewer, month, office), "", 200
    except Invalid as wrong:
        shown, error, status = calendars.month(visit.app, viewer), sentence(wrong, visit.formats), wrong.status
    return visit.page("calendar.html", status=status, month=shown, office=office, error=error, address=address)
