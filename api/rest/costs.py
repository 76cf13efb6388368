"""The cost table for scripts: its versions, a proposal, its confirmation, a version as a file."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller
from api.rest.answers import BINARY, answer
from api.rest.audience import Acting, Confirmation
from api.rest.cases import Body
from api.rest.described import Described
from engine.service import costs, sheets
from engine.service.costs import CostTables
from engine.service.recording import By

Version = Annotated[int, Path(ge=1, lt=2**31, examples=[1])]
router = APIRouter(route_class=Described, prefix="/api/v1", tags=["costs"])
EXPORTED: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": BINARY}}}}
EXAMPLE = (
    "channel,provider,unit,charged,price,currency,from,until\n"
    "sms,north,segment,delivered,0.045,CNY,2026-01-01,2026-06-30\n"
    "sms,south,segment,sent,0.038,CNY,2026-07-01,\n"
    "sms,south,wave,sent,50,CNY,2026-07-01,\n"
    ",print shop,case,sent,2000,CNY,2026-01-01,\n"
)


class NewTable(Body):
    """A cost table to propose, whole."""

    table: str = Field(
        max_length=1_000_000,
        examples=[EXAMPLE],
        description="CSV. unit: segment (SMS only), message, wave, case (without a channel); charged: sent or"
        " delivered; until may be empty. Only the headings end the table in force",
    )
    reason: str = Field(max_length=200, examples=["new contract with south"])


@router.get("/costs", response_model=CostTables, dependencies=[for_reading("costs.read")])
def versions(app: App, caller: Caller) -> Response:
    """All versions of the cost table, the newest first, with the days on which a channel has no price."""
    return answer(costs.show(app, By(caller, "api")))


@router.get("/costs.csv", responses=EXPORTED, response_class=Response, dependencies=[for_reading("costs.read")])
def exported(
    app: App,
    caller: Caller,
    version: Annotated[int, Query(ge=0, lt=2**31, description="0: the one in force", examples=[0])] = 0,
) -> Response:
    """A version as CSV that can be proposed again; only the headings where there is none."""
    data = costs.export(app, By(caller, "api"), "csv", version)
    return Response(data, media_type=sheets.MEDIA["csv"])


@router.post("/costs", status_code=201, response_model=CostTables, dependencies=[for_acting("costs.keep")])
def propose(app: App, by: Acting, body: NewTable) -> Response:
    """Propose a table, which holds once a second person confirms it. 422 with every wrong line, 409 where another
    waits."""
    costs.propose(app, by, body.table.encode(), "table.csv", reason=body.reason)
    return answer(costs.show(app, by), 201)


@router.post("/costs/{version}/decision", response_model=CostTables, dependencies=[for_acting("costs.keep")])
def decide(app: App, by: Acting, version: Version, body: Confirmation) -> Response:
    """Confirm a table that somebody else proposed, or refuse it. 404 where none waits under that number."""
    costs.decide(app, by, version, confirm=body.confirm)
    return answer(costs.show(app, by))
