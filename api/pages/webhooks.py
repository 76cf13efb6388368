"""The viewer's webhooks: other systems that are told what happens to cases."""

from typing import Any

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import problem_sentence
from api.visit import Visit
from engine.errors import InvalidForm, Problem
from engine.service import webhooks
from engine.service.announcing import EVENTS
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("webhooks.keep")])


@router.get("/webhooks")
def listed(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """The viewer's own, and a form for one more."""
    return list_page(visit, viewer)


@router.post("/webhooks")
def add(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Make one and show its secret, this once. The same form again shows the same."""
    typed: dict[str, Any] = {
        "name": text(form, "name"),
        "url": text(form, "url"),
        "events": [str(e) for e in form.getlist("events")],
    }
    try:
        made = webhooks.add(app, viewer, **typed, key=form_key(form, viewer))
    except InvalidForm as error:
        return list_page(visit, viewer, typed=typed, problems=error.problems, status=error.status)
    return one_page(visit, viewer, made.id, secret=made.secret)


@router.get("/webhooks/{number}")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, number: int, done: str = "") -> Response:
    """One of them, with what was sent to it."""
    return one_page(visit, viewer, number, done=done)


@router.post("/webhooks/{number}")
def act(app: App, visit: CurrentVisit, viewer: CurrentViewer, number: int, form: Posted) -> Response:
    """Change it, try it, give it a new secret, switch it, or take it away."""
    typed: dict[str, Any] | None = None
    try:
        match text(form, "action"):
            case "test":
                webhooks.try_out(app, viewer, number, form_key(form, viewer))
            case "renew":
                made = webhooks.renew(app, viewer, number, key=form_key(form, viewer))
                return one_page(visit, viewer, number, secret=made.secret)
            case "on" | "off" as wanted:
                webhooks.switch(app, viewer, number, on=wanted == "on")
            case "remove":
                webhooks.remove(app, viewer, number)
                return visit.go("/webhooks")
            case _:
                events = [str(event) for event in form.getlist("events")]
                typed = {"name": text(form, "name"), "url": text(form, "url"), "events": events}
                webhooks.change(app, viewer, number, **typed)
    except InvalidForm as error:
        return one_page(visit, viewer, number, typed=typed, problems=error.problems, status=error.status)
    return visit.go(f"/webhooks/{number}?done={'tried' if text(form, 'action') == 'test' else 'saved'}")


def list_page(
    visit: Visit,
    viewer: Viewer,
    *,
    typed: dict[str, Any] | None = None,
    problems: tuple[Problem, ...] = (),
    status: int = 200,
) -> Response:
    """The list."""
    return visit.page(
        "webhooks.html",
        status=status,
        hooks=webhooks.listed(visit.app, viewer),
        typed=typed or {"name": "", "url": "", "events": EVENTS},
        events=EVENTS,
        problems={one.at: problem_sentence(one, visit.formats) for one in problems},
    )


def one_page(
    visit: Visit,
    viewer: Viewer,
    number: int,
    *,
    typed: dict[str, Any] | None = None,
    problems: tuple[Problem, ...] = (),
    secret: str = "",
    done: str = "",
    status: int = 200,
) -> Response:
    """One webhook."""
    hook, sent = webhooks.shown(visit.app, viewer, number)
    return visit.page(
        "webhook.html",
        status=status,
        hook=hook,
        sent=sent,
        typed=typed or {"name": hook.name, "url": hook.url, "events": hook.events},
        events=EVENTS,
        secret=secret,
        problems={one.at: problem_sentence(one, visit.formats) for one in problems},
        done=done,
    )
