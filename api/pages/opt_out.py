"""A customer's way out of e-mail. The link shows one button and does nothing by itself, because scanners follow links;
the button and the one-click request of a mail program (RFC 8058) are the same POST, without session or cookie: the
token in its address is the permission."""

from fastapi import APIRouter, Response

from api.declared import for_anybody
from api.deps import App, CurrentVisit
from api.visit import Visit
from engine.errors import NotFound
from engine.service import opting_out

router = APIRouter(dependencies=[for_anybody("for a customer, whose mail holds the token")])


@router.get("/opt-out/{token}")
def show(app: App, visit: CurrentVisit, token: str) -> Response:
    """The button; 404 where the token is not one of ours, which looks the same whatever it is."""
    try:
        opting_out.look(app, token)
    except NotFound:
        return _no_way(visit)
    return visit.page("opt_out_mail.html", token=token, done=False)


@router.post("/opt-out/{token}")
def act(app: App, visit: CurrentVisit, token: str) -> Response:
    """No more e-mail to whom this mail was for; twice is once."""
    try:
        opting_out.opt_out(app, token)
    except NotFound:
        return _no_way(visit)
    return visit.page("opt_out_mail.html", token=token, done=True)


def _no_way(visit: Visit) -> Response:
    return visit.page("opt_out_mail.html", status=404, token="", done=False)
