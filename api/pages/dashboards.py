"""Dashboards: filters in the address, four figures with denominators, charts with their tables, cases to look into; and
the page that lists them all."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit
from api.errors import sentence
from api.exporting import Asked, exported
from api.pages.admin import by
from api.pages.saved_views import bar_of
from engine.errors import Invalid
from engine.service import board_tables, dashboards
from engine.service.authorizing import allowed
from engine.service.view_pages import of_board

router = APIRouter(dependencies=[for_page("metrics.read")])


@router.get("/dashboards")
def listed(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """All dashboards."""
    boards, ranks = dashboards.listed(app, by(visit, viewer)), allowed(viewer, "leagues.read")
    return visit.page("dashboards.html", boards=boards, ranks=ranks)


@router.get("/dashboards/{key}")
def show(
    app: App, visit: CurrentVisit, viewer: CurrentViewer, *, key: str, view: str = "", form: Asked = ""
) -> Response:
    """One dashboard, or its table as a file; `view` is the saved view that led here."""
    chosen, error, status = _chosen(key, visit.request.query_params), "", 200
    try:
        if form:
            return exported(board_tables.table(app, viewer, key, chosen), form, visit.language)
        board = dashboards.show(app, by(visit, viewer), key, chosen)
    except Invalid as wrong:
        board = dashboards.show(app, by(visit, viewer), key, {})
        chosen, error, status = {}, sentence(wrong, visit.formats), wrong.status
    told: dict[str, Any] = {
        "meanings": {one.name: one for one in board.metrics},
        "names": {one.name: one.label for one in board.dimensions},
        "error": error,
        "leads": lambda name, value: f"/dashboards/{key}?{urlencode({**chosen, name: value})}",
    }
    bar = bar_of(visit, viewer, of_board(key), chosen, view)
    return visit.page("dashboard.html", status=status, board=board, **told, **bar)


def _chosen(key: str, given: Mapping[str, str]) -> dict[str, str]:
    return {name: given[name][:80] for name in dashboards.find(key).names() if given.get(name)}
