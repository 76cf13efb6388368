"""Waivers of the grey list for scripts."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller
from api.rest.answers import answer
from api.rest.audience import Acting
from api.rest.cases import Body
from api.rest.described import Described
from engine.service import waiving
from engine.service.recording import By
from engine.service.waiving import WaiverView

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["customers"])
Number = Annotated[int, Path(ge=1, lt=2**31, examples=[1])]


class NewWaiver(Body):
    """What to waive for which case: one customer, or all grey entries with one reason."""

    case: str = Field(max_length=60, examples=["440111-2026-00001"], description="Number or id of the case")
    customer: str = Field("", max_length=60, examples=["C00000123"])
    grey_reason: str = Field("", max_length=200, examples=[""])
    reason: str = Field(max_length=200, examples=["asked for this offer in the hall"])


class Granted(Body):
    """Whether the waiver is granted."""

    grant: bool = Field(examples=[True])


@dataclass(frozen=True, slots=True)
class Waivers:
    """Waivers, the newest first."""

    waivers: tuple[WaiverView, ...]


@router.get("/waivers", response_model=Waivers, dependencies=[for_reading("waivers.ask")])
def show(
    app: App, caller: Caller, case: Annotated[str, Query(max_length=60, description="Number or id", examples=[""])] = ""
) -> Response:
    """The waivers of a case, or the newest of all cases that the caller sees."""
    return answer(Waivers(waiving.listed(app, By(caller, "api"), case)))


@router.post("/waivers", status_code=201, response_model=Waivers, dependencies=[for_acting("waivers.ask")])
def ask(app: App, by: Acting, body: NewWaiver) -> Response:
    """Ask for a waiver, which holds for the case's next selection once an administrator grants it. 409 where the same
    waits; 404 where the case is not the caller's."""
    waiving.ask(app, by, case=body.case, customer=body.customer, grey_reason=body.grey_reason, reason=body.reason)
    return answer(Waivers(waiving.listed(app, by, body.case)), 201)


@router.post("/waivers/{number}/decision", response_model=Waivers, dependencies=[for_acting("waivers.decide")])
def decide(app: App, by: Acting, number: Number, body: Granted) -> Response:
    """Grant or refuse a waiver. 409 where the caller asked for it or made the case; 404 where none waits."""
    waiving.decide(app, by, number, grant=body.grant)
    return answer(Waivers(waiving.listed(app, by)))
