"""Dashboards: filters in the address, four figures with denominators, charts with their tables, cases to look into."""

from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit
from api.errors import sentence
from api.pages.admin import by, download
from api.vega import dashboards as vega
from api.vega.answering import OF_DRAWINGS, Drawing
from api.vega.pictures import heights
from engine.errors import Invalid
from engine.service import dashboards, metrics, sheets

router = APIRouter(dependencies=[for_page("metrics.read")])


@router.get("/dashboards/{key}")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, key: str, drawing: Drawing) -> Response:
    """One dashboard, or one of its charts as a drawing."""
    chosen, error, status = _chosen(visit.request.query_params), "", 200
    if drawing.form:
        chart = dashboards.chart(app, by(visit, viewer), key, drawing.chart, chosen)
        known = {one.name: one for one in metrics.catalogue(viewer).metrics}
        return drawing.answer(vega.picture(chart, known, visit.formats), f"{key}-{chart.key}")
    try:
        view = dashboards.show(app, by(visit, viewer), key, chosen)
    except Invalid as wrong:
        view = dashboards.show(app, by(visit, viewer), key, {})
        error, status = sentence(wrong, visit.formats), wrong.status
    meanings = {one.name: one for one in view.metrics}
    names = {one.name: one.label for one in view.dimensions}
    query = urlencode(chosen)
    return visit.page(
        "dashboard.html",
        status=status,
        board=view,
        meanings=meanings,
        names=names,
        error=error,
        query=query,
        room=lambda chart: heights(vega.picture(chart, meanings, visit.formats)),
        left_out=lambda chart: vega.left_out(chart, visit.formats),
    )


@router.get("/dashboards/{key}/rows.csv")
def rows(app: App, visit: CurrentVisit, viewer: CurrentViewer, key: str) -> Response:
    """The rows of its table: names, and of each metric value, numerator and denominator."""
    view = dashboards.show(app, by(visit, viewer), key, _chosen(visit.request.query_params))
    headings = [*view.rows_by]
    for name in view.table.metrics:
        headings += [name, f"{name}_numerator", f"{name}_denominator"]
    lines = [
        [
            *(visit.formats.label(label) for label in row.labels),
            *(
                text
                for cell in row.cells
                for text in ("" if cell.value is None else repr(cell.value), f"{cell.numerator}", f"{cell.denominator}")
            ),
        ]
        for row in view.table.rows
    ]
    return download(sheets.write("csv", headings, lines, title=key), f"{key}.csv", sheets.MEDIA["csv"])


def _chosen(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value[:80] for name, value in given.items() if value and name not in OF_DRAWINGS}
