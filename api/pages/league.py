"""League tables: one kind at a time, with its filters in the address; the same table as CSV."""

from fastapi import APIRouter, Request, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit
from api.errors import sentence
from api.pages.admin import download
from api.vega import league as vega
from api.vega.answering import AskedDrawing, Drawing, of_nothing
from api.vega.pictures import MOST_INTERVALS, heights
from api.visit import Visit
from engine.errors import Invalid, NotFound
from engine.service import leagues, sheets
from engine.service.leagues import NAMES, LeagueView

SHOWN = 200
CHART = "places"
router = APIRouter(dependencies=[for_page("leagues.read")])


@router.get("/league")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, request: Request, drawing: Drawing) -> Response:
    """The table that the address names, or its chart as a drawing; the usual one, with what is wrong, where it cannot
    be read."""
    asked = _asked(request)
    if drawing.draws:
        return _drawn(leagues.table(app, viewer, asked), visit, drawing)
    try:
        found, error, status = leagues.table(app, viewer, asked), "", 200
    except Invalid as wrong:
        found, error, status = leagues.table(app, viewer, {}), sentence(wrong, visit.formats), wrong.status
    return visit.page(
        "league.html",
        status=status,
        league=found,
        asked=asked,
        error=error,
        query=leagues.query_of(found),
        shown=SHOWN,
        called=lambda row: vega.called(row, found, visit.formats),
        room=heights(vega.picture(found, visit.formats)) if found.rows else (),
        left_out=MOST_INTERVALS if len(found.rows) > MOST_INTERVALS else 0,
    )


@router.get("/league.csv")
def export(app: App, visit: CurrentVisit, viewer: CurrentViewer, request: Request) -> Response:
    """Every row of the same table."""
    data = leagues.export(app, viewer, _asked(request), visit.formats.words.language)
    return download(data, "league.csv", sheets.MEDIA["csv"])


def _drawn(found: LeagueView, visit: Visit, drawing: AskedDrawing) -> Response:
    if drawing.chart != CHART:
        raise NotFound()
    has_some = vega.picture(found, visit.formats) if found.rows else None
    picture = has_some or of_nothing(vega.title(found, visit.formats), visit.words)
    return drawing.answer(picture, f"league-{found.kind}-{found.metric}")


def _asked(request: Request) -> dict[str, str]:
    return {name: request.query_params.get(name, "")[:80] for name in NAMES}
