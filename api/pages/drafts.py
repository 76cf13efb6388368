"""The editor of definitions: begin a text, keep it, have it checked, offer it for publication, or discard it.

It works without scripts; with them the text is kept and checked while it is typed. Two people on one text: who comes
second is told, with both texts on the page.
"""

from typing import Any, Literal

from fastapi import APIRouter, Request, Response

from api import diagnostics
from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import sentence
from api.pages.definitions import SVG, study
from api.visit import Visit
from engine.definition.check import Checked
from engine.definition.snippets import snippets
from engine.errors import CountersignError, DraftChanged, Invalid, InvalidDefinition, Refused
from engine.service import drafting, studying
from engine.service.drafting import DraftView
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("definitions.write")])
Tab = Literal["edit", "diagram", "try", "scenarios", "guarantees", "changes"]


@router.get("/drafts/new")
def beginnings(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """What a text can begin with."""
    return visit.page("draft_new.html", kinds=studying.listed(app, viewer), examples=studying.examples())


@router.post("/drafts")
def begin(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Begin one and go to the editor."""
    draft = drafting.begin(app, viewer, text(form, "based_on"), key=form_key(form, viewer))
    return visit.go(f"/drafts/{draft}")


@router.get("/drafts/{draft}")
def show(
    *, app: App, visit: CurrentVisit, viewer: CurrentViewer, request: Request, draft: str, tab: Tab = "edit"
) -> Response:
    """The editor, or one of the things that can be asked of the text."""
    view = drafting.show(app, viewer, draft)
    if tab == "edit":
        return _editor(visit, viewer, view)
    based_on, _, version = view.based_on.partition("@")
    parts = study(
        visit, viewer, request, view.source, tab, compared=(based_on, int(version) if version.isdecimal() else 0)
    )
    return visit.page("draft.html", draft=view, tab=tab, base=f"/drafts/{draft}", **parts)


@router.get("/drafts/{draft}/diagram.svg")
def diagram(app: App, visit: CurrentVisit, viewer: CurrentViewer, draft: str) -> Response:
    """The picture of the text."""
    source = drafting.show(app, viewer, draft).source
    return Response(studying.drawn(app, viewer, source, visit.language)[1], media_type=SVG)


@router.post("/drafts/{draft}")
def send(app: App, visit: CurrentVisit, viewer: CurrentViewer, draft: str, form: Posted) -> Response:
    """Keep the text (also by itself while typing), have it checked, offered or discarded. What was typed stays."""
    form_key(form, viewer)
    typed, seen, action = str(form.get("source", "")), _number(text(form, "revision")), text(form, "action")
    try:
        if action == "discard":
            drafting.discard(app, viewer, draft, seen=seen)
            return visit.go("/definitions")
        if action == "fork":
            return visit.go(f"/drafts/{drafting.fork(app, viewer, draft, typed, key=form_key(form, viewer))}")
        view = drafting.save(app, viewer, draft, typed, seen=seen)
        if action == "offer":
            saved = drafting.offer(app, viewer, draft, seen=view.revision)
            return visit.go(f"/definitions/{saved.name}/{saved.version}")
    except InvalidDefinition as error:
        view = drafting.show(app, viewer, draft)
        return _editor(visit, viewer, view, prove=True, error=error, status=error.status)
    except (Refused, Invalid) as error:
        kept = drafting.show(app, viewer, draft)
        return _editor(visit, viewer, kept, typed=typed, error=error, status=error.status)
    return _editor(visit, viewer, view, prove=action == "check")


def _editor(
    visit: Visit,
    viewer: Viewer,
    view: DraftView,
    *,
    typed: str | None = None,
    prove: bool = False,
    error: CountersignError | None = None,
    status: int = 200,
) -> Response:
    """The editor with everything that is wrong at its line. `typed`: what could not be kept, and stays in the field."""
    shown = view.source if typed is None else typed
    checked: Checked = studying.checked(visit.app, viewer, shown, prove=prove)
    values: dict[str, Any] = {"theirs": ""}
    if isinstance(error, DraftChanged):
        values["theirs"] = view.source
    report = studying.played(visit.app, viewer, shown) if prove and checked.definition else None
    return visit.page(
        "draft.html",
        status=status,
        draft=view,
        tab="edit",
        base=f"/drafts/{view.id}",
        source=shown,
        checked=checked,
        proved=prove,
        report=report,
        diagnosed=diagnostics,
        snippets=snippets(visit.language),
        error="" if error is None or isinstance(error, InvalidDefinition) else sentence(error, visit.formats),
        wrong=(),
        **values,
    )


def _number(sent: str) -> int:
    return int(sent) if sent.isdecimal() and len(sent) < 10 else 0
