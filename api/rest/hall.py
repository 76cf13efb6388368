"""Recommendations in the hall for the programs at the counter: what to offer to a customer, and what they said."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller, address_of
from api.rest.answers import answer
from api.rest.audience import Acting
from api.rest.cases import Body
from api.rest.described import Described
from engine.service import recommended, recommending
from engine.service.recommended import DAYS, MOST_DAYS, AnswerView, Said
from engine.service.recommending import HallView
from engine.service.recording import By

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["customers"])
Number = Annotated[str, Path(max_length=60, examples=["a1b2c3-w1.17"], description="`id` of the recommendation")]
Customer = Annotated[
    str, Query(max_length=60, examples=["C00000123"], description="The whole id, or the whole phone number")
]


class CustomerSaid(Body):
    """What the customer said. `reason` belongs to refuse, `days` to later, `confirmed_by` and `evidence` to accept."""

    answer: Literal["accept", "refuse", "later"] = Field(examples=["accept"])
    reason: str = Field(
        "", max_length=20, examples=[""], description=f"Why they refuse: one of {', '.join(recommended.REASONS)}"
    )
    days: int = Field(DAYS, ge=1, le=MOST_DAYS, description="They are asked again after so many days")
    confirmed_by: Literal["", "code", "signature"] = Field(
        "", examples=["code"], description="How they confirmed; without it an accept counts as interest alone"
    )
    evidence: str = Field("", max_length=60, examples=["483920"], description="The code, or the signature's number")


@router.get("/recommendations", response_model=HallView, dependencies=[for_reading("hall.serve")])
def show(app: App, request: Request, caller: Caller, customer: Customer) -> Response:
    """What to recommend to the customer with this id or phone, the first to be offered first. It is recorded who asked,
    and seeing a recommendation is the contact that the contact policy counts; at most 60 in ten minutes (429)."""
    return _unkept(answer(recommending.look_up(app, By(caller, "api", address_of(request)), customer)))


@router.post("/recommendations/{number}", response_model=AnswerView, dependencies=[for_acting("hall.serve")])
def say(app: App, by: Acting, number: Number, body: CustomerSaid) -> Response:
    """Write down what the customer said; the same key again gives the same answer. 404 where no clerk of the caller's
    offices has seen it, 409 where another answer stands (it says whose and since when) or it stands no more."""
    said = Said(body.answer, body.reason, body.days, body.confirmed_by, body.evidence)
    return _unkept(answer(recommended.answer(app, by, number, said)))


def _unkept(response: Response) -> Response:
    response.headers["cache-control"] = "no-store"
    return response
