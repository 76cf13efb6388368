"""The list of cases: its filters are in its address, so that a list can be bookmarked, sent and kept."""

from typing import Any

from fastapi import APIRouter, Request, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import sentence
from engine.errors import Invalid
from engine.service import event_logs, listing
from engine.service.listing import NAMES

router = APIRouter(dependencies=[for_page("cases.read")])


@router.get("/cases")
def listed(app: App, visit: CurrentVisit, viewer: CurrentViewer, request: Request, after: str = "") -> Response:
    """The cases that the viewer may see."""
    filters = {name: request.query_params.get(name, "")[:100] for name in NAMES}
    try:
        page, error, status = listing.page(app, viewer, filters, after=after[:600]), "", 200
    except Invalid as wrong:
        page = listing.page(app, viewer, {})
        error, status = sentence(wrong, visit.formats), wrong.status
    query = listing.query_of(filters)
    logged = listing.query_of({name: filters[name] for name in event_logs.FILTERS}) if not filters["q"] else None
    shown: dict[str, Any] = {
        "page": page,
        "filters": filters,
        "query": query,
        "logged": logged,
        "after": after,
        "error": error,
    }
    return visit.page("cases.html", status=status, **shown)


@router.post("/cases/filters", dependencies=[for_page("account.keep")])
def keep(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Keep a filter under a name, or forget one."""
    form_key(form, viewer)
    filters = {name: text(form, name) for name in NAMES}
    if forgotten := text(form, "forget"):
        listing.forget(app, viewer, forgotten)
    else:
        listing.save(app, viewer, text(form, "name"), filters)
    return visit.go(f"/cases?{listing.query_of(filters)}")
