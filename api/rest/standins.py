"""Stand-ins for scripts: the caller's own, and everybody's for an administrator."""

from datetime import datetime
from decimal import Decimal

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Reader
from api.rest.answers import answer
from engine.organisation import StandIn
from engine.service import standins

router = APIRouter(tags=["stand-ins"])


class NewStandIn(BaseModel):
    """Who decides for whom, from a moment until (not at) another."""

    model_config = ConfigDict(extra="forbid")

    person: str = Field(max_length=40, examples=["zhangwei"])
    by: str = Field(max_length=40, examples=["lina"])
    starts: AwareDatetime = Field(examples=[datetime.fromisoformat("2026-12-01T00:00:00+08:00")])
    ends: AwareDatetime = Field(examples=[datetime.fromisoformat("2026-12-08T00:00:00+08:00")])
    definitions: tuple[str, ...] = Field((), max_length=50, description="Only these kinds of case; empty = all")
    budget: Decimal | None = Field(
        None, ge=0, max_digits=14, decimal_places=2, description="Only cases whose budget is at most this"
    )


@router.get("/stand-ins", dependencies=[for_reading("cases.read")])
def listed(app: App, caller: Reader) -> Response:
    """Those that are about the caller; all for an administrator."""
    return answer(standins.listed(app, caller))


@router.post("/stand-ins", status_code=201, dependencies=[for_acting("cases.act")])
def add(app: App, caller: Caller, body: NewStandIn) -> dict[str, int]:
    """Let `by` decide for `person`: the caller, or anybody where the caller is an administrator."""
    given = body.model_dump(exclude={"budget"})
    one = StandIn(**given, field="" if body.budget is None else "budget", limit=body.budget)
    return {"id": standins.add(app, caller, one)}


@router.delete("/stand-ins/{number}", status_code=204, dependencies=[for_acting("cases.act")])
def end(app: App, caller: Caller, number: int) -> None:
    """End it now. What was decided under it stands."""
    standins.end(app, caller, number)
