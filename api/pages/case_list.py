"""The list of cases: its filters are in its address, so that a list can be bookmarked, sent, saved and taken away."""

from typing import Any

from fastapi import APIRouter, Request, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit
from api.errors import sentence
from api.exporting import Asked, exported
from api.pages.saved_views import bar_of
from engine.errors import Invalid
from engine.service import case_table, event_logs, listing
from engine.service.listing import NAMES

router = APIRouter(dependencies=[for_page("cases.read")])


@router.get("/cases")
def listed(
    *,
    app: App,
    visit: CurrentVisit,
    viewer: CurrentViewer,
    request: Request,
    after: str = "",
    view: str = "",
    form: Asked = "",
) -> Response:
    """The cases that the viewer may see; `view` is the saved view that led here."""
    filters = {name: request.query_params.get(name, "")[:100] for name in NAMES}
    try:
        if form:
            return exported(case_table.table(app, viewer, filters), form, visit.language)
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
    bar = bar_of(visit, viewer, "cases", filters, view)
    return visit.page("cases.html", status=status, **shown, **bar)
