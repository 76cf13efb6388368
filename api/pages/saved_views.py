"""Saved views and the reports that are mailed of them: the list, one to manage, and the way to a view's page."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from fastapi import APIRouter, Response
from starlette.datastructures import FormData

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import problem_sentence
from api.pages.admin import by, tried
from api.visit import Visit
from engine.errors import Problem
from engine.service import mailings, saved_views
from engine.service.mailings import Wanted
from engine.service.saved_views import Sharing
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("views.read")])
KEEPS = [for_page("views.keep")]
BETWEEN = re.compile(r"[,，、;；\n]+")


def bar_of(visit: Visit, viewer: Viewer, page: str, filters: Mapping[str, str], opened: str = "") -> dict[str, Any]:
    """What a page with filters gives its template, for `view_parts.html`."""
    return {"bar": saved_views.bar(visit.app, viewer, page, filters, opened[:12]), "say_problem": partial(_said, visit)}


@router.get("/views")
def listed(visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """The viewer's own, and those that are shared with them or mailed to them."""
    return _list(visit, viewer)


@router.post("/views", dependencies=KEEPS)
def save(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Keep the filters of a page under a name."""
    form_key(form, viewer)
    made: list[int] = []

    def act() -> None:
        made.append(saved_views.save(app, viewer, text(form, "name"), text(form, "page"), text(form, "query")))

    refused = tried(visit, act, lambda error, status: _list(visit, viewer, error=error, status=status))
    return refused or visit.go(f"/views/{made[0]}")


@router.get("/views/{number}")
def follow(app: App, visit: CurrentVisit, viewer: CurrentViewer, number: int) -> Response:
    """On to the view's page with its filters; a view that leads nowhere any more says so in the list."""
    view = saved_views.shown(app, viewer, number)
    if not view.path:
        said = " ".join(_said(visit, one) for one in view.wrong)
        return _list(visit, viewer, error=said, status=409)
    return visit.go(f"{view.path}?{view.query}{'&' if view.query else ''}view={view.id}")


@router.get("/views/{number}/edit", dependencies=KEEPS)
def show(visit: CurrentVisit, viewer: CurrentViewer, number: int) -> Response:
    """One of the viewer's own, to rename, share, mail and take away."""
    return _one(visit, viewer, number)


@router.post("/views/{number}", dependencies=KEEPS)
def change(app: App, visit: CurrentVisit, viewer: CurrentViewer, number: int, form: Posted) -> Response:
    """Rename and share it, or take it away."""
    form_key(form, viewer)
    if text(form, "action") == "remove":
        saved_views.remove(app, viewer, number)
        return visit.go("/views")
    act = partial(saved_views.change, app, viewer, number, text(form, "name"), _shares(form))
    return _done(visit, viewer, number, act)


@router.post("/views/{number}/reports", dependencies=KEEPS)
def report(app: App, visit: CurrentVisit, viewer: CurrentViewer, number: int, form: Posted) -> Response:
    """Have it mailed."""
    every = text(form, "every")
    day = text(form, {"weekly": "weekday", "monthly": "monthday"}.get(every, ""))
    wanted = Wanted(
        view=number,
        every=every,
        day=int(day) if day.isdecimal() and len(day) < 3 else 0,
        at=text(form, "at"),
        zone=text(form, "zone"),
        workdays=bool(text(form, "workdays")),
        form=text(form, "form"),
        recipients=tuple(filter(None, (part.strip() for part in BETWEEN.split(text(form, "recipients"))))),
    )
    typed = {name: text(form, name) for name in ("every", "weekday", "monthday", "at", "zone", "form", "recipients")}
    act = partial(mailings.add, app, by(visit, viewer, form), wanted)
    return _done(visit, viewer, number, act, typed | {"workdays": text(form, "workdays")})


@router.post("/views/reports/{mailing}")
def act(app: App, visit: CurrentVisit, viewer: CurrentViewer, mailing: int, form: Posted) -> Response:
    """Switch a report off or on, take it away, or get it no longer."""
    acting = by(visit, viewer, form)
    match text(form, "action"):
        case "on" | "off" as wanted:
            mailings.switch(app, acting, mailing, on=wanted == "on")
        case "remove":
            mailings.remove(app, acting, mailing)
        case "decline":
            mailings.decline(app, viewer, mailing)
    return visit.go("/views")


def _shares(form: FormData) -> list[Sharing]:
    """Those that stay, and the new one where one was named."""
    kept = [str(one).partition("|") for one in form.getlist("keep")]
    new = Sharing(text(form, "office"), text(form, "role"))
    return [*(Sharing(office, role) for office, _, role in kept), *([new] if new.office or new.role else [])]


def _done(
    visit: Visit, viewer: Viewer, number: int, act: Callable[[], object], typed: dict[str, str] | None = None
) -> Response:
    """Do it and show the view again; what is refused stands beside what was typed."""

    def refused(error: str, status: int) -> Response:
        return _one(visit, viewer, number, error=error, status=status, typed=typed)

    return tried(visit, act, refused) or visit.go(f"/views/{number}/edit")


def _list(visit: Visit, viewer: Viewer, *, error: str = "", status: int = 200) -> Response:
    return visit.page(
        "views.html",
        status=status,
        views=saved_views.listed(visit.app, viewer),
        mailings=mailings.listed(visit.app, viewer),
        error=error,
        say_problem=partial(_said, visit),
    )


def _one(
    visit: Visit,
    viewer: Viewer,
    number: int,
    *,
    error: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
) -> Response:
    view = saved_views.mine(visit.app, viewer, number)
    usual = {"every": "weekly", "weekday": "0", "monthday": "1", "at": "08:30", "form": "link", "recipients": ""}
    return visit.page(
        "view.html",
        status=status,
        view=view,
        roles=saved_views.roles(visit.app),
        mailings=[one for one in mailings.listed(visit.app, viewer) if one.is_own and one.view == number],
        error=error,
        say_problem=partial(_said, visit),
        typed=typed or usual | {"zone": visit.app.settings.time_zone, "workdays": ""},
        forms=mailings.FORMS if visit.app.settings.report_attachment_mb else ("link",),
    )


def _said(visit: Visit, problem: Problem) -> str:
    return problem_sentence(problem, visit.formats)
