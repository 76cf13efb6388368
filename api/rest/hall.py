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
from engine.service import evidencing, recommended, recommending
from engine.service.confirmations import Proof
from engine.service.evidencing import ProvedView
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
    value: str = Field("", max_length=20, examples=[""], description="Money per month, where the offer has no fee")


class EvidenceOf(Body):
    """How the customer confirmed what they had accepted."""

    confirmed_by: Literal["code", "signature"] = Field(examples=["code"])
    evidence: str = Field(max_length=60, examples=["483920"], description="The code, or the signature's number")
    value: str = Field("", max_length=20, examples=[""], description="Money per month, where nobody entered it before")

    @property
    def proof(self) -> Proof:
        """The same for the service."""
        return Proof(self.confirmed_by, self.evidence, self.value)


class EvidenceIn(EvidenceOf):
    """The same, with the recommendation's id."""

    recommendation: str = Field(max_length=60, examples=["a1b2c3-w1.17"])


@router.get("/recommendations", response_model=HallView, dependencies=[for_reading("hall.serve")])
def show(app: App, request: Request, caller: Caller, customer: Customer) -> Response:
    """What to recommend to the customer with this id or phone, the first to be offered first. It is recorded who asked,
    and seeing a recommendation is the contact that the contact policy counts; at most 60 in ten minutes (429)."""
    return _unkept(answer(recommending.look_up(app, By(caller, "api", address_of(request)), customer)))


@router.post("/recommendations/{number}", response_model=AnswerView, dependencies=[for_acting("hall.serve")])
def say(app: App, by: Acting, number: Number, body: CustomerSaid) -> Response:
    """Write down what the customer said; the same key again gives the same answer. 404 where no clerk of the caller's
    offices has seen it, 409 where another answer stands (it says whose and since when) or it stands no more."""
    said = Said(body.answer, body.reason, body.days, body.confirmed_by, body.evidence, body.value)
    return _unkept(answer(recommended.answer(app, by, number, said)))


@router.post("/recommendations/{number}/evidence", response_model=ProvedView, dependencies=[for_acting("hall.serve")])
def confirm(app: App, by: Acting, number: Number, body: EvidenceOf) -> Response:
    """Evidence of an acceptance that was written down without: from now on it counts as a conversion. The same again
    changes nothing; 409 where other evidence stands."""
    return _unkept(answer(evidencing.confirm(app, by, number, body.proof)))


@router.post("/cases/{case_id}/evidence", response_model=ProvedView, dependencies=[for_acting("cases.act")])
def confirm_of(app: App, by: Acting, case_id: str, body: EvidenceIn) -> Response:
    """The same for the submitter of the case."""
    return _unkept(answer(evidencing.confirm_of(app, by, case_id, body.recommendation, body.proof)))


def _unkept(response: Response) -> Response:
    response.headers["cache-control"] = "no-store"
    return response
