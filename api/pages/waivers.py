"""Waivers of the grey list: asked for by whoever makes a case, granted or refused by a second person."""

from functools import partial

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, tried
from api.visit import Visit
from engine.service import waiving
from engine.service.app import Countersign
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("waivers.ask")])
FIELDS = ("case", "customer", "grey_reason", "reason")


@router.get("/waivers")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, case: str = "") -> Response:
    """Those of a case, or the newest of all cases that the viewer sees."""
    return _page(app, visit, viewer, case=case[:60].strip())


@router.post("/waivers")
def ask(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Ask for a waiver."""
    typed = {name: text(form, name) for name in FIELDS}

    def act() -> None:
        waiving.ask(app, by(visit, viewer, form), **typed)

    page = partial(_page, app, visit, viewer, typed=typed)
    return tried(visit, act, lambda error, status: page(error=error, status=status)) or visit.go("/waivers")


@router.post("/waivers/{number}", dependencies=[for_page("waivers.decide")])
def decide(app: App, visit: CurrentVisit, viewer: CurrentViewer, number: int, form: Posted) -> Response:
    """Grant a waiver or refuse it."""
    grant = text(form, "decision") == "grant"

    def act() -> None:
        waiving.decide(app, by(visit, viewer, form), number, grant=grant)

    page = partial(_page, app, visit, viewer)
    return tried(visit, act, lambda error, status: page(error=error, status=status)) or visit.go("/waivers")


def _page(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    *,
    case: str = "",
    error: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
) -> Response:
    return visit.page(
        "waivers.html",
        status=status,
        case=case,
        waivers=waiving.listed(app, by(visit, viewer), case),
        typed=typed or dict.fromkeys(FIELDS, "") | {"case": case},
        error=error,
    )
