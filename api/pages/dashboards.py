"""Dashboards: filters in the address, four figures with denominators, charts with their tables, cases to look into; and
the page that lists them all."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit
from api.errors import sentence
from api.exporting import exported
from api.pages.admin import by
from api.pages.saved_views import bar_of
from api.vega import dashboards as vega
from api.vega.answering import Drawing
from api.vega.pictures import heights
from engine.errors import Invalid
from engine.service import board_tables, dashboards, metrics
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
    app: App, visit: CurrentVisit, viewer: CurrentViewer, *, key: str, drawing: Drawing, view: str = ""
) -> Response:
    """One dashboard, its table as a file, or one of its charts as a drawing; `view` is the saved view that led here."""
    chosen, error, status = _chosen(key, visit.request.query_params), "", 200
    if drawing.draws:
        chart = dashboards.chart(app, by(visit, viewer), key, drawing.chart, chosen)
        known = {one.name: one for one in metrics.catalogue(viewer).metrics}
        return drawing.answer(vega.picture(chart, known, visit.formats), f"{key}-{chart.key}")
    try:
        if drawing.takes:
            return exported(board_tables.table(app, viewer, key, chosen), drawing.takes, visit.language)
        board = dashboards.show(app, by(visit, viewer), key, chosen)
    except Invalid as wrong:
        board = dashboards.show(app, by(visit, viewer), key, {})
        chosen, error, status = {}, sentence(wrong, visit.formats), wrong.status
    meanings = {one.name: one for one in board.metrics}
    told: dict[str, Any] = {
        "meanings": meanings,
        "names": {one.name: one.label for one in board.dimensions},
        "error": error,
        "query": urlencode(chosen),
        "room": lambda chart: heights(vega.picture(chart, meanings, visit.formats)),
        "left_out": lambda chart: vega.left_out(chart, visit.formats),
        "leads": lambda name, value: f"/dashboards/{key}?{urlencode({**chosen, name: value})}",
    }
    bar = bar_of(visit, viewer, of_board(key), chosen, view)
    return visit.page("dashboard.html", status=status, board=board, **told, **bar)


def _chosen(key: str, given: Mapping[str, str]) -> dict[str, str]:
    return {name: given[name][:80] for name in dashboards.find(key).names() if given.get(name)}
