"""Erasures of customers: asked for with the number typed twice, confirmed by a second person, with a certificate."""

from functools import partial

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, tried
from api.visit import Visit
from engine.service import erasing, seeking
from engine.service.app import Countersign
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("customers.erase")])
FIELDS = ("customer", "typed", "reason")


@router.get("/erasures")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """All of them, the newest first, and the form."""
    return _page(app, visit, viewer)


@router.post("/erasures")
def ask(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Ask for an erasure."""
    typed = {name: text(form, name) for name in FIELDS}

    def act() -> None:
        erasing.ask(app, by(visit, viewer, form), **typed)

    page = partial(_page, app, visit, viewer, typed=typed)
    return tried(visit, act, lambda error, status: page(error=error, status=status)) or visit.go("/erasures")


@router.get("/erasures/{number}")
def certificate(app: App, visit: CurrentVisit, viewer: CurrentViewer, number: int) -> Response:
    """The certificate of one that is done."""
    one, found = erasing.certificate(app, by(visit, viewer), number)
    return visit.page("erasure.html", one=one, found=found, place_of=seeking.place_of)


@router.post("/erasures/{number}")
def decide(app: App, visit: CurrentVisit, viewer: CurrentViewer, number: int, form: Posted) -> Response:
    """Confirm an erasure, or refuse it."""
    decision = text(form, "decision")

    def act() -> None:
        erasing.decide(app, by(visit, viewer, form), number, confirm=decision == "confirm")

    page = partial(_page, app, visit, viewer)
    return tried(visit, act, lambda error, status: page(error=error, status=status)) or visit.go("/erasures")


def _page(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    *,
    error: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
) -> Response:
    response = visit.page(
        "erasures.html",
        status=status,
        erasures=erasing.listed(app, by(visit, viewer)),
        typed=typed or dict.fromkeys(FIELDS, ""),
        error=error,
    )
    response.headers["cache-control"] = "no-store"
    return response
