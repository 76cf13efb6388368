"""Customer query: what is known of one customer, masked; an address in full, for a reason. Nothing is kept by browsers,
and no number stands in an address."""

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, tried
from api.visit import Visit
from engine.service import customers
from engine.service.authorizing import allowed
from engine.service.customers import CustomerView, Revealed
from engine.service.views import Viewer

router = APIRouter()


@router.get("/customers", dependencies=[for_page("customers.ask")])
def show(visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """The question alone."""
    return _page(visit, viewer)


@router.post("/customers", dependencies=[for_page("customers.ask")])
def ask(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """The answer; it is recorded that somebody asked. A POST, so that no number stands in an address."""
    typed = text(form, "customer")
    found: list[CustomerView] = []

    def act() -> None:
        found.append(customers.ask(app, by(visit, viewer, form), typed))

    def refused(error: str, status: int) -> Response:
        return _page(visit, viewer, typed=typed, error=error, status=status)

    return tried(visit, act, refused) or _page(visit, viewer, typed=typed, found=found[0])


@router.post("/customers/address", dependencies=[for_page("customers.reveal")])
def reveal(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """An address in full, once, with the reason recorded."""
    typed = {name: text(form, name) for name in ("customer", "field", "reason")}
    shown: list[Revealed] = []

    def act() -> None:
        shown.append(customers.reveal(app, by(visit, viewer, form), **typed))

    def refused(error: str, status: int) -> Response:
        return _page(visit, viewer, asked=typed, error=error, status=status)

    return tried(visit, act, refused) or _page(visit, viewer, typed=typed["customer"], shown=shown[0])


def _page(
    visit: Visit,
    viewer: Viewer,
    *,
    status: int = 200,
    typed: str = "",
    error: str = "",
    found: CustomerView | None = None,
    shown: Revealed | None = None,
    asked: dict[str, str] | None = None,
) -> Response:
    response = visit.page(
        "customers.html",
        status=status,
        typed=typed,
        error=error,
        found=found,
        shown=shown,
        asked=asked,
        may_reveal=allowed(viewer, "customers.reveal"),
        may_erase=allowed(viewer, "customers.erase"),
    )
    response.headers["cache-control"] = "no-store"
    return response
