"""Arbitration: its runs, one of them with what each case got and lost, another supposed beside it, its commitment."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response
from starlette.datastructures import FormData

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, tried
from api.visit import Visit
from engine.service import arbitrating, arbitration_views
from engine.service.app import Countersign
from engine.service.supposing import Wanted
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("arbitration.run")])
SUPPOSED = ("priority", "cap", "capacity")
Typed = Mapping[str, str]


@router.get("/arbitration")
def listed(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """The last runs, and the days of another."""
    return _list(app, visit, viewer)


@router.post("/arbitration")
def run(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Run it, and go to what came of it."""
    wanted = Wanted(text(form, "since"), text(form, "until"))
    made: list[int] = []

    def act() -> None:
        made.append(arbitrating.run(app, by(visit, viewer, form), wanted))

    page = partial(_list, app, visit, viewer, wanted=wanted)
    refused = tried(visit, act, lambda error, status: page(error=error, status=status))
    return refused or visit.go(f"/arbitration/{made[0]}")


@router.get("/arbitration/{number}")
def show(
    *,
    app: App,
    visit: CurrentVisit,
    viewer: CurrentViewer,
    number: int,
    beside: Annotated[str, Query(max_length=8)] = "",
) -> Response:
    """One run; with another beside it where one is named, or the one that it supposes something of."""
    return _run(app, visit, viewer, number, beside=beside)


@router.post("/arbitration/{number}/suppose")
def suppose(app: App, visit: CurrentVisit, viewer: CurrentViewer, number: int, form: Posted) -> Response:
    """Run it again with other priorities, caps or capacities, and lay the two side by side."""
    priorities, caps, capacity = (_named(form, name) for name in SUPPOSED)
    wanted = Wanted(base=str(number), priorities=priorities, caps=caps, capacity=capacity)
    made: list[int] = []

    def act() -> None:
        made.append(arbitrating.run(app, by(visit, viewer, form), wanted))

    typed = {name: value for name, value in form.items() if isinstance(value, str)}
    page = partial(_run, app, visit, viewer, number, typed=typed)
    refused = tried(visit, act, lambda error, status: page(error=error, status=status))
    return refused or visit.go(f"/arbitration/{made[0]}#beside")


@router.post("/arbitration/{number}/commit", dependencies=[for_page("arbitration.commit")])
def commit(app: App, visit: CurrentVisit, viewer: CurrentViewer, number: int, form: Posted) -> Response:
    """Let the run hold for its cases."""

    def act() -> None:
        arbitrating.commit(app, by(visit, viewer, form), number)

    page = partial(_run, app, visit, viewer, number)
    refused = tried(visit, act, lambda error, status: page(error=error, status=status))
    return refused or visit.go(f"/arbitration/{number}")


def _named(form: FormData, of: str) -> dict[str, str]:
    """The fields that are called `of.NAME`, by NAME."""
    start = f"{of}."
    return {name.removeprefix(start): text(form, name) for name in form if name.startswith(start)}


def _list(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    *,
    wanted: Wanted | None = None,
    error: str = "",
    status: int = 200,
) -> Response:
    return visit.page(
        "arbitration.html",
        status=status,
        runs=arbitration_views.listed(app, by(visit, viewer)),
        typed=asdict(wanted or Wanted()),
        error=error,
    )


def _run(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    number: int,
    *,
    beside: str = "",
    typed: Typed | None = None,
    error: str = "",
    status: int = 200,
) -> Response:
    acting = by(visit, viewer)
    view = arbitration_views.show(app, acting, number)
    named = int(beside) if beside.isdecimal() and len(beside) < 10 else view.line.base
    other = arbitration_views.show(app, acting, named) if named and named != number else None
    return visit.page(
        "arbitration_run.html",
        status=status,
        one=view,
        other=other,
        pairs=arbitration_views.beside(app, view, other) if other else (),
        typed=typed or {},
        error=error,
    )
