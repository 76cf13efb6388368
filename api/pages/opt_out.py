"""A customer's way out of messages by the link in them: one page for a text, an e-mail, and the one click of a mail
program (RFC 8058).

The page says what each of its buttons bars; looking at it opts nobody out, because scanners follow links. No session
and no cookie, which mail programs and browsers inside other programs do not keep: the token in the address is the
permission. A token of another installation, an altered one and one whose message is gone are one page, byte for byte.
"""

from fastapi import APIRouter, Response

from api.declared import for_anybody
from api.deps import App, CurrentVisit, address_of
from api.visit import Visit
from engine.errors import NotFound
from engine.service import opting_out
from engine.service.clicking import Visitor

router = APIRouter(dependencies=[for_anybody("for a customer, whose message holds the token")])
EVERYWHERE = {"channel": False, "all": True}
# What the buttons say; neither is one click in a mail program, or the page of an earlier release.


@router.get("/o/{token}")
@router.get("/opt-out/{token}")  # as the mails of earlier releases write it
def show(app: App, visit: CurrentVisit, token: str) -> Response:
    """The page with the buttons."""
    try:
        channel = opting_out.look(app, token, visitor(visit))
    except NotFound:
        return no_way(visit)
    return visit.page("opt_out.html", has_forms=False, back="/", token=token, channel=channel, barred=None)


@router.post("/o/{token}")
@router.post("/opt-out/{token}")
def act(app: App, visit: CurrentVisit, token: str, scope: str = "") -> Response:
    """Bar what was chosen; twice is once."""
    try:
        channel, barred = opting_out.opt_out(app, token, everywhere=EVERYWHERE.get(scope))
    except NotFound:
        return no_way(visit)
    return visit.page("opt_out.html", has_forms=False, back="/", token=token, channel=channel, barred=barred)


def no_way(visit: Visit) -> Response:
    """The answer to whatever is none of our links."""
    return visit.page("opt_out.html", status=404, has_forms=False, back="/", token="", channel="", barred=None)


def visitor(visit: Visit) -> Visitor:
    """Who follows a link."""
    request = visit.request
    return Visitor(request.method, request.headers, address_of(request))
