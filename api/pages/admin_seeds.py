"""Seeds: the addresses of the house that get every wave of an office; added and ended by administrators."""

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, tried
from api.visit import Visit
from engine.service import seed_lists
from engine.service.app import Countersign
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("seeds.manage")])
FIELDS = ("office", "name", "channel", "address", "customer", "last")


@router.get("/admin/seeds")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """Every seed that nobody ended."""
    return _page(app, visit, viewer)


@router.post("/admin/seeds")
def add(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Add a seed."""
    typed = {name: text(form, name) for name in FIELDS}

    def act() -> None:
        seed_lists.add(app, by(visit, viewer, form), **typed)

    def page(error: str, status: int) -> Response:
        return _page(app, visit, viewer, error=error, status=status, typed=typed)

    return tried(visit, act, page) or visit.go("/admin/seeds")


@router.post("/admin/seeds/{number}/end")
def end(app: App, visit: CurrentVisit, viewer: CurrentViewer, number: int, form: Posted) -> Response:
    """Send nothing more to a seed."""
    seed_lists.end(app, by(visit, viewer, form), number)
    return visit.go("/admin/seeds")


def _page(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    *,
    error: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
) -> Response:
    seeds = seed_lists.listed(app, by(visit, viewer))
    return visit.page(
        "admin_seeds.html", status=status, seeds=seeds, error=error, typed=typed or dict.fromkeys(FIELDS, "")
    )
