"""The global holdout: its versions, a proposal of another share, the confirmation by a second administrator."""

from functools import partial

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, tried
from api.visit import Visit
from engine.service import holdouts
from engine.service.app import Countersign
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("holdout.manage")])
FIELDS = ("percent", "reason", "draw_anew")


@router.get("/admin/holdout")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """All versions, the newest first."""
    return _page(app, visit, viewer)


@router.post("/admin/holdout")
def propose(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Propose a share."""
    typed = {name: text(form, name) for name in FIELDS}

    def act() -> None:
        anew = bool(typed["draw_anew"])
        holdouts.propose(app, by(visit, viewer, form), percent=typed["percent"], reason=typed["reason"], draw_anew=anew)

    page = partial(_page, app, visit, viewer, typed=typed)
    return tried(visit, act, lambda error, status: page(error=error, status=status)) or visit.go("/admin/holdout")


@router.post("/admin/holdout/{version}")
def decide(app: App, visit: CurrentVisit, viewer: CurrentViewer, version: int, form: Posted) -> Response:
    """Confirm a proposal or refuse it."""
    confirm = text(form, "decision") == "confirm"

    def act() -> None:
        holdouts.decide(app, by(visit, viewer, form), version, confirm=confirm)

    page = partial(_page, app, visit, viewer)
    return tried(visit, act, lambda error, status: page(error=error, status=status)) or visit.go("/admin/holdout")


def _page(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    *,
    error: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
) -> Response:
    versions = holdouts.versions(app, by(visit, viewer))
    return visit.page(
        "admin_holdout.html",
        status=status,
        versions=versions,
        waits=next((one for one in versions if one.state == "open"), None),
        current=next((one for one in versions if one.state == "in_force"), None),
        typed=typed or dict.fromkeys(FIELDS, ""),
        error=error,
    )
