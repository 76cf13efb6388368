"""Stand-ins for scripts: the caller's own, and everybody's for an administrator."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Reader
from api.rest.described import Described
from api.rest.paging import MOST, Cursor, Limit, Page, paged, placed, position
from engine.organisation import StandIn
from engine.service import standins
from engine.service.standins import StandInView

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["stand-ins"])


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


@dataclass(frozen=True, slots=True)
class StandInsPage(Page):
    """Stand-ins by their number."""

    stand_ins: tuple[StandInView, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Added:
    """The number of the stand-in."""

    id: int


@router.get("/stand-ins", response_model=StandInsPage, dependencies=[for_reading("cases.read")])
def listed(app: App, caller: Reader, request: Request, limit: Limit = MOST, cursor: Cursor = "") -> Response:
    """Those that are about the caller; all for an administrator."""
    behind = position(cursor, int)
    found = [one for one in standins.listed(app, caller) if behind is None or one.id > behind[0]]
    found.sort(key=lambda one: one.id)
    following = (found[limit - 1].id,) if len(found) > limit else None
    return paged(request, StandInsPage(tuple(found[:limit]), placed(following)))


@router.post("/stand-ins", status_code=201, dependencies=[for_acting("cases.act")])
def add(app: App, caller: Caller, body: NewStandIn) -> Added:
    """Let `by` decide for `person`: the caller, or anybody where the caller is an administrator."""
    given = body.model_dump(exclude={"budget"})
    one = StandIn(**given, field="" if body.budget is None else "budget", limit=body.budget)
    return Added(standins.add(app, caller, one))


@router.delete("/stand-ins/{number}", status_code=204, dependencies=[for_acting("cases.act")])
def end(app: App, caller: Caller, number: Annotated[int, Path(ge=1, lt=2**31)]) -> None:
    """End it now. What was decided under it stands."""
    standins.end(app, caller, number)
