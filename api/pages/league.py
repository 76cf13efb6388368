"""League tables: one kind at a time, with its filters in the address; the same table as CSV."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit
from api.errors import sentence
from api.pages.admin import download
from api.vega import league as vega
from api.vega import shelf
from api.vega.answering import AskedDrawing, Drawing, of_nothing
from api.vega.drawn import Drawn
from api.vega.pictures import MOST_INTERVALS, heights
from api.visit import Visit
from engine.errors import Invalid, NotFound
from engine.service import leagues, sheets
from engine.service.leagues import NAMES, LeagueView
from engine.service.views import Viewer

SHOWN = 50
CHART = "places"
router = APIRouter(dependencies=[for_page("leagues.read")])


@router.get("/league")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, request: Request, drawing: Drawing) -> Response:
    """The table that the address names, or its chart as a drawing; the usual one, with what is wrong, where it cannot
    be read."""
    asked = _asked(request)
    if drawing.draws:
        return _drawn(visit, viewer, asked, drawing)
    try:
        found, error, status = leagues.table(app, viewer, asked), "", 200
    except Invalid as wrong:
        found, error, status = leagues.table(app, viewer, {}), sentence(wrong, visit.formats), wrong.status
    query = leagues.query_of(found)
    places = _places(visit, found)
    shelf.keep(app, _shelf(visit, viewer, query), (places,))
    return visit.page(
        "league.html",
        status=status,
        league=found,
        asked=asked,
        error=error,
        query=query,
        shown=SHOWN,
        called=lambda row: vega.called(row, found, visit.formats),
        room=heights(places.picture) if found.rows else (),
        left_out=MOST_INTERVALS if len(found.rows) > MOST_INTERVALS else 0,
    )


@router.get("/league.csv")
def export(app: App, visit: CurrentVisit, viewer: CurrentViewer, request: Request) -> Response:
    """Every row of the same table."""
    data = leagues.export(app, viewer, _asked(request), visit.formats.words.language)
    return download(data, "league.csv", sheets.MEDIA["csv"])


def _drawn(visit: Visit, viewer: Viewer, asked: dict[str, str], drawing: AskedDrawing) -> Response:
    if drawing.chart != CHART:
        raise NotFound()
    query = urlencode({name: value for name, value in asked.items() if value})
    kept = shelf.find(visit.app, _shelf(visit, viewer, query))
    (one,) = kept or (_places(visit, leagues.table(visit.app, viewer, asked)),)
    return drawing.answer(one.picture, one.key)


def _places(visit: Visit, found: LeagueView) -> Drawn:
    title = vega.title(found, visit.formats)
    picture = vega.picture(found, visit.formats) if found.rows else of_nothing(title, visit.words)
    return Drawn(f"league-{found.kind}-{found.metric}", title, "", picture)


def _shelf(visit: Visit, viewer: Viewer, query: str) -> shelf.Key:
    return (viewer.person, visit.language, f"/league?{query}")


def _asked(request: Request) -> dict[str, str]:
    return {name: request.query_params.get(name, "")[:80] for name in NAMES}
