"""A customer's way out of e-mail. The link shows one button and does nothing by itself, because scanners follow links;
the button and the one-click request of a mail program (RFC 8058) are the same POST, without session or cookie: the
token in its address is the permission."""

from fastapi import APIRouter, Response

from api.declared import for_anybody
from api.deps import App, CurrentVisit
from engine.service import opting_out

router = APIRouter(dependencies=[for_anybody("for a customer, whose mail holds the token")])


@router.get("/opt-out/{token}")
def show(app: App, visit: CurrentVisit, token: str) -> Response:
    """The button."""
    opting_out.look(app, token)
    return visit.page("opt_out.html", token=token, done=False)


@router.post("/opt-out/{token}")
def act(app: App, visit: CurrentVisit, token: str) -> Response:
    """No more e-mail to whom this mail was for; twice is once."""
    opting_out.opt_out(app, token)
    return visit.page("opt_out.html", token=token, done=True)
