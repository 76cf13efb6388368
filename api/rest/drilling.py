"""The rows behind a dashboard's figures for scripts: one case, its first customers, masked; every look is recorded."""

from fastapi import APIRouter, Response
from pydantic import Field

from api.declared import for_acting
from api.deps import App
from api.rest.answers import answer
from api.rest.audience import Acting
from api.rest.cases import Body
from api.rest.described import Described
from engine.service import drilling
from engine.service.drilling import RowsView

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["metrics"])


class WantedRows(Body):
    """The case and the filters of the dashboard, as in its address."""

    case: str = Field(max_length=60, examples=["440111-2026-00001"], description="The id or number of a case")
    filters: dict[str, str] = Field(default_factory=dict, max_length=12, examples=[{"channel": "sms"}])


@router.post("/dashboards/{key}/customers", response_model=RowsView, dependencies=[for_acting("customers.ask")])
def rows(app: App, by: Acting, key: str, body: WantedRows) -> Response:
    """The first 50 customers of one case behind the figures of a dashboard, masked. A POST, because it is recorded who
    looked; at most 60 questions about customers in ten minutes (429). 404 where the dashboard shows no customers."""
    chosen = {name: value[:80] for name, value in body.filters.items()}
    response = answer(drilling.rows(app, by, key, body.case, chosen))
    response.headers["cache-control"] = "no-store"
    return response
