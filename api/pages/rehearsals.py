"""Rehearsals: what to rehearse, one that was made, and two side by side."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, tried
from api.visit import Visit
from engine.errors import ExpressionFailed, Unavailable
from engine.service import rehearsals
from engine.service.app import Countersign
from engine.service.rehearsals import Wanted
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("offers.read")])
Word = Annotated[str, Query(max_length=1000)]
FIELDS = ("months", "case", "rule", "fixed_cost", "margin")


@router.get("/rehearsals/new", dependencies=[for_page("rehearsals.run")])
def new(
    *, app: App, visit: CurrentVisit, viewer: CurrentViewer, tariff: Word = "", case: Word = "", rule: Word = ""
) -> Response:
    """What to rehearse, of whom, over how many months."""
    offer, _, version = tariff.rpartition("@")
    return _form(app, visit, viewer, Wanted(offer or tariff, version if offer else "", case=case, rule=rule))


@router.post("/rehearsals/new", dependencies=[for_page("rehearsals.run")])
def run(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Rehearse, and go to what came of it."""
    offer, _, version = text(form, "tariff").rpartition("@")
    wanted = Wanted(offer, version, **{name: text(form, name) for name in FIELDS})
    made: list[int] = []

    def act() -> None:
        made.append(rehearsals.run(app, by(visit, viewer, form), wanted))

    def page(error: str, status: int) -> Response:
        return _form(app, visit, viewer, wanted, error=error, status=status)

    try:
        refused = tried(visit, act, page)
    except (ExpressionFailed, Unavailable) as error:
        return _form(app, visit, viewer, wanted, failed=error.message, status=error.status)
    return refused or visit.go(f"/rehearsals/{made[0]}")


@router.get("/rehearsals/{number}")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, number: int, beside: Word = "") -> Response:
    """One rehearsal, with another beside it where one is named."""
    acting = by(visit, viewer)
    view = rehearsals.show(app, acting, number)
    other = rehearsals.show(app, acting, int(beside)) if beside.isdecimal() and len(beside) < 9 else None
    others = rehearsals.beside(app, acting, view)
    return visit.page("rehearsal.html", one=view, other=other, others=others)


def _form(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    wanted: Wanted,
    *,
    error: str = "",
    failed: str = "",
    status: int = 200,
) -> Response:
    return visit.page(
        "rehearsal_new.html",
        status=status,
        choices=rehearsals.choices(app, by(visit, viewer), wanted.case),
        typed=asdict(wanted),
        error=error,
        why_failed=failed,
    )
