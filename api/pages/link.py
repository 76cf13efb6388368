"""A link from a notification. It locates a task; the session authorises; only a POST acts (DESIGN 9).

Looking at it changes nothing, however often a mail scanner does. Unknown, expired and revoked links are one page, and
so is a link that was forwarded: it opens for nobody but the person it was mailed to.
"""

import structlog
from fastapi import APIRouter, Response

from api.auth import DEVICE
from api.declared import for_anybody
from api.deps import App, CurrentVisit, Posted, text
from api.errors import sentence
from api.pages.steps import onward
from engine.errors import NotFound, Refused, SignInNeeded
from engine.service import people

router = APIRouter(dependencies=[for_anybody("the link locates; signing in comes next")])
log = structlog.get_logger()


@router.get("/l/{token}")
def show(app: App, visit: CurrentVisit, token: str) -> Response:
    """On to the task with a session of its person, one button on their remembered device, else the sign-in form."""
    target = people.follow_link(app, token)
    if visit.viewer and visit.viewer.person == target.person:
        return visit.go(f"/tasks/{target.task_id}")
    device = visit.cookies.read(visit.request, DEVICE)
    if device and people.device_person(app, device) == target.person:
        return visit.page("continue.html", token=token)
    return visit.page("link.html", token=token, login="", error="")


@router.post("/l/{token}")
def follow(app: App, visit: CurrentVisit, token: str, form: Posted) -> Response:
    """Open the session, by password or by the remembered device, and go on to the task."""
    target = people.follow_link(app, token)
    browser, login = visit.browser, text(form, "login")
    where = {"address": browser.address, "browser": browser.name}
    try:
        if login:
            password = str(form.get("password", ""))
            chosen = browser.language
            opened = people.sign_in(app, login, password, device=browser.device, language=chosen, **where)
        else:
            opened = people.sign_in_by_device(app, token, browser.device, **where)
    except (Refused, SignInNeeded) as error:
        message = sentence(error, visit.formats)
        return visit.page("link.html", status=error.status, token=token, login=login, error=message)
    if opened.person != target.person:
        people.sign_out(app, opened.token)
        log.warning("link.forwarded", meant_for=target.person, used_by=opened.person, task=target.task_id)
        raise NotFound()
    return onward(visit, opened, f"/tasks/{target.task_id}")
