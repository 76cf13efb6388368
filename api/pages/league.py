"""League tables: one kind at a time, with its filters in the address; the same table as CSV."""

from fastapi import APIRouter, Request, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit
from api.errors import sentence
from api.pages.admin import download
from engine.errors import Invalid
from engine.service import leagues, sheets
from engine.service.leagues import NAMES

SHOWN = 200
router = APIRouter(dependencies=[for_page("leagues.read")])


@router.get("/league")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, request: Request) -> Response:
    """The table that the address names; the usual one, with what is wrong, where it cannot be read."""
    asked = _asked(request)
    try:
        found, error, status = leagues.table(app, viewer, asked), "", 200
    except Invalid as wrong:
        found, error, status = leagues.table(app, viewer, {}), sentence(wrong, visit.formats), wrong.status
    return visit.page(
        "league.html", status=status, league=found, asked=asked, error=error, query=leagues.query_of(found), shown=SHOWN
    )


@router.get("/league.csv")
def export(app: App, visit: CurrentVisit, viewer: CurrentViewer, request: Request) -> Response:
    """Every row of the same table."""
    data = leagues.export(app, viewer, _asked(request), visit.formats.words.language)
    return download(data, "league.csv", sheets.MEDIA["csv"])


def _asked(request: Request) -> dict[str, str]:
    return {name: request.query_params.get(name, "")[:80] for name in NAMES}
