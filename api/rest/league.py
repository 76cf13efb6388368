"""League tables for scripts, with the filters of the page."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.declared import for_reading
from api.deps import App, Reader
from api.rest.answers import answer
from api.rest.described import Described
from engine.evaluation.leagues import Kind
from engine.service import leagues
from engine.service.leagues import LeagueView

router = APIRouter(
    route_class=Described, prefix="/api/v1", tags=["analysis"], dependencies=[for_reading("leagues.read")]
)
Day = Annotated[str, Query(max_length=10, examples=["2026-12-01"])]


@router.get("/league", response_model=LeagueView)
def league(
    app: App,
    caller: Reader,
    *,
    kind: Kind = "offices",
    metric: Annotated[str, Query(max_length=20, description="Empty: the first of the kind")] = "",
    since: Day = "",
    until: Day = "",
    office: Annotated[str, Query(max_length=80, description="A code or name; those below it with it")] = "",
    definition: Annotated[str, Query(max_length=80, description="The name of a definition")] = "",
) -> Response:
    """Rates with 95% intervals, the highest first, of the offices that the caller may look at. Offices and channels are
    ranked by `conversion`, `response`, `delivered` or `opt_out`, halls and clerks by `accepted`, `confirmed` or
    `answered`, agents (callers) by `accepted` or `reached`. `since` and `until` are days, both included; without them
    the last 90 days."""
    asked = {"kind": kind, "metric": metric, "since": since, "until": until}
    return answer(leagues.table(app, caller, asked | {"office": office, "definition": definition}))
