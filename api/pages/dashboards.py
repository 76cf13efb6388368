"""Dashboards: filters in the address, four figures with denominators, charts with their tables, cases to look into."""

from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit
from api.errors import sentence
from api.pages.admin import by, download
from engine.errors import Invalid
from engine.service import dashboards, sheets

router = APIRouter(dependencies=[for_page("metrics.read")])


@router.get("/dashboards/{key}")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, key: str) -> Response:
    """One dashboard."""
    chosen, error, status = _chosen(visit.request.query_params), "", 200
    try:
        view = dashboards.show(app, by(visit, viewer), key, chosen)
    except Invalid as wrong:
        view = dashboards.show(app, by(visit, viewer), key, {})
        error, status = sentence(wrong, visit.formats), wrong.status
    meanings = {one.name: one for one in view.metrics}
    names = {one.name: one.label for one in view.dimensions}
    query = urlencode(chosen)
    return visit.page(
        "dashboard.html", status=status, board=view, meanings=meanings, names=names, error=error, query=query
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
    return {name: value[:80] for name, value in given.items() if value}
