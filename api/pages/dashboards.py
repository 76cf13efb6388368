"""Dashboards: filters in the address, four figures with denominators, charts with their tables, cases to look into, the
customers behind the figures of a case for who may see customers; and the page that lists them all."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.errors import sentence
from api.exporting import exported
from api.pages.admin import by, tried
from api.pages.saved_views import bar_of
from api.vega import dashboards as vega
from api.vega.answering import Drawing, of_nothing
from api.visit import Visit
from engine.errors import Invalid
from engine.service import board_tables, dashboards, drilling, metrics
from engine.service.authorizing import allowed
from engine.service.dashboard_kinds import find
from engine.service.drilling import RowsView
from engine.service.view_pages import of_board
from engine.service.views import Viewer

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
    chosen = _chosen(key, visit.request.query_params)
    if drawing.draws:
        chart = dashboards.chart(app, by(visit, viewer), key, drawing.chart, chosen)
        known = {one.name: one for one in metrics.catalogue(viewer).metrics}
        picture = vega.picture(chart, known, visit.formats)
        if vega.room(chart, known, visit.formats) is None:
            picture = of_nothing(picture.title, visit.words)
        return drawing.answer(picture, f"{key}-{chart.key}")
    try:
        if drawing.takes:
            return exported(board_tables.table(app, viewer, key, chosen), drawing.takes, visit.language)
        return _page(visit, viewer, key, chosen, view=view)
    except Invalid as wrong:
        told = {problem.at for problem in wrong.problems}
        kept = {name: value for name, value in chosen.items() if name not in told} if told & set(chosen) else {}
        return _page(visit, viewer, key, kept, error=sentence(wrong, visit.formats), status=wrong.status)


@router.post("/dashboards/{key}/customers", dependencies=[for_page("customers.ask")])
def customers(app: App, visit: CurrentVisit, viewer: CurrentViewer, key: str, form: Posted) -> Response:
    """The first customers of a case behind the figures, masked. A POST, because it is recorded who looked."""
    names = find(key).names()
    chosen = {name: text(form, name)[:80] for name in names if text(form, name)}
    found: list[RowsView] = []

    def act() -> None:
        found.append(drilling.rows(app, by(visit, viewer, form), key, text(form, "case"), chosen))

    def refused(error: str, status: int) -> Response:
        return _page(visit, viewer, key, {}, error=error, status=status)

    refusal = tried(visit, act, refused)
    if refusal is not None:
        return refusal
    response = visit.page("dashboard_customers.html", found=found[0], query=urlencode(chosen))
    response.headers["cache-control"] = "no-store"
    return response


def _page(
    visit: Visit,
    viewer: Viewer,
    key: str,
    chosen: dict[str, str],
    *,
    view: str = "",
    error: str = "",
    status: int = 200,
) -> Response:
    board = dashboards.show(visit.app, by(visit, viewer), key, chosen)
    meanings = {one.name: one for one in board.metrics}
    shown: dict[str, Any] = {
        "board": board,
        "meanings": meanings,
        "names": {one.name: one.label for one in board.dimensions},
        "chosen": chosen,
        "narrowed": partial(_narrowed, key, chosen, frozenset(one.name for one in board.filters)),
        "reveals": board.reveals != "nothing" and allowed(viewer, "customers.ask"),
        "error": error,
        "query": urlencode(chosen),
        "room": lambda chart: vega.room(chart, meanings, visit.formats),
        "left_out": lambda chart: vega.left_out(chart, visit.formats),
    }
    return visit.page("dashboard.html", status=status, **shown, **bar_of(visit, viewer, of_board(key), chosen, view))


def _narrowed(key: str, chosen: Mapping[str, str], filters: frozenset[str], name: str, value: str) -> str:
    """The address of the same dashboard for this value alone; empty where it has no such filter, or it is chosen."""
    if name not in filters or not value or chosen.get(name) == value:
        return ""
    return f"/dashboards/{key}?{urlencode({**chosen, name: value})}"


def _chosen(key: str, given: Mapping[str, str]) -> dict[str, str]:
    return {name: given[name][:80] for name in find(key).names() if given.get(name)}
