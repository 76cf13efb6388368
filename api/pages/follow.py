"""Links that stand in messages: one leads on, one opens the page of the opt-out. Open to everybody who has a message.

A token of another installation, an altered one and one whose message is gone are one page, byte for byte. Looking opts
nobody out; the one button of the page does. It needs no cookie, which browsers inside other programs often do not
keep: the token in its address is what gives the right.
"""

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from api.declared import for_anybody
from api.deps import App, CurrentVisit, address_of
from api.visit import Visit
from engine.errors import NotFound
from engine.service import clicking
from engine.service.clicking import Visitor

router = APIRouter(dependencies=[for_anybody("a customer's link from a message; its token gives the right")])


@router.api_route("/r/{token}", methods=["GET", "HEAD"])
def follow(app: App, visit: CurrentVisit, token: str) -> Response:
    """On to where the message's link leads."""
    try:
        return RedirectResponse(clicking.follow(app, token, _visitor(visit)), 302)
    except NotFound:
        return _nothing(visit)


@router.get("/o/{token}")
def show(app: App, visit: CurrentVisit, token: str) -> Response:
    """The page with the button."""
    try:
        clicking.look(app, token, _visitor(visit))
    except NotFound:
        return _nothing(visit)
    return visit.page("opt_out.html", has_forms=False, back="/", token=token, is_done=False)


@router.post("/o/{token}")
def opt_out(app: App, visit: CurrentVisit, token: str) -> Response:
    """Opt the reader of the message out; twice is once."""
    try:
        clicking.opt_out(app, token)
    except NotFound:
        return _nothing(visit)
    return visit.page("opt_out.html", has_forms=False, back="/", token=token, is_done=True)


def _nothing(visit: Visit) -> Response:
    return visit.page("opt_out.html", status=404, has_forms=False, back="/", token="", is_done=False)


def _visitor(visit: Visit) -> Visitor:
    request = visit.request
    return Visitor(request.method, request.headers, address_of(request))
