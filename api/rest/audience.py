"""Selections for scripts: the waterfall in any order, why one customer is in or out, counts, the global holdout."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Key, Reader, address_of
from api.rest.answers import answer
from api.rest.cases import Body
from api.rest.described import Described
from engine.errors import NotFound
from engine.service import answering, cases, counting, holdouts
from engine.service.answering import WhyView
from engine.service.counting import Counted
from engine.service.holdouts import HoldoutView
from engine.service.recording import By
from engine.service.stage_views import AudienceView

Version = Annotated[int, Path(ge=1, lt=2**31, examples=[1])]
router = APIRouter(route_class=Described, prefix="/api/v1", tags=["audience"])


class Wanted(Body):
    """The customer asked about."""

    customer: str = Field(max_length=60, examples=["C00000123"], description="The whole id, or the whole phone number")


class NewShare(Body):
    """A share of the holdout to propose."""

    percent: str = Field(max_length=12, examples=["5"], description="0 to 50; 0 ends the holdout")
    reason: str = Field(max_length=200, examples=["yearly measurement"])
    draw_anew: bool = Field(False, description="Other customers than before, instead of more or fewer of the same")


class Confirmation(Body):
    """Whether a proposed share shall hold."""

    confirm: bool = Field(examples=[True])


class Counting(Body):
    """What is to be counted."""

    source: dict[str, Any] = Field(
        examples=[{"intersect": [{"rule": "c.arpu >= 38"}, {"rule": "c.age < 30"}]}],
        description="As the `source` of an audience, without form fields",
    )


@dataclass(frozen=True, slots=True)
class Holdouts:
    """All versions of the holdout, the newest first."""

    versions: tuple[HoldoutView, ...]


def acting(request: Request, caller: Caller, key: Key) -> By:
    """Who acts, with the request's key."""
    return By(caller, "api", address_of(request), key)


Acting = Annotated[By, Depends(acting)]


@router.get("/cases/{case_id}/audience", response_model=AudienceView, dependencies=[for_reading("cases.read")])
def show(
    app: App,
    caller: Reader,
    case_id: str,
    order: Annotated[str, Query(max_length=4000, description="Names of exclusions by commas", examples=[""])] = "",
) -> Response:
    """The audience frozen last, its waterfall in another order of the exclusions where one is given: what the order
    does not name follows as declared. No customer is read again for it. 404 where nothing is frozen."""
    view = cases.case_page(app, caller, case_id, tuple(order.split(","))).audience
    if view is None:
        raise NotFound()
    return answer(view)


@router.post("/cases/{case_id}/audience/why", response_model=WhyView, dependencies=[for_acting("cases.read")])
def why(app: App, by: Acting, case_id: str, body: Wanted) -> Response:
    """Why one customer is in the audience or out of it; recorded, and answered with masked numbers. A POST, so that no
    customer's number stands in an address. Before anything is frozen only the submitter gets an answer: an estimate."""
    return answer(answering.explain_customer(app, by, case_id, body.customer))


@router.post("/audience/count", response_model=Counted, dependencies=[for_acting("groups.read")])
def count(app: App, caller: Caller, body: Counting) -> Response:
    """How many customers a source has in the data as it is now, with each of its parts and what is left after it. A
    newer count of yours ends the older one (409); 503 while the server counts for others."""
    return answer(counting.count(app, caller, body.source))


@router.get("/holdout", response_model=Holdouts, dependencies=[for_reading("holdout.manage")])
def versions(app: App, caller: Reader) -> Response:
    """All versions of the global holdout, the newest first."""
    return answer(Holdouts(holdouts.versions(app, By(caller, "api"))))


@router.post("/holdout", status_code=201, response_model=Holdouts, dependencies=[for_acting("holdout.manage")])
def propose(app: App, by: Acting, body: NewShare) -> Response:
    """Propose a share, which holds once another administrator confirms it."""
    holdouts.propose(app, by, percent=body.percent, reason=body.reason, draw_anew=body.draw_anew)
    return answer(Holdouts(holdouts.versions(app, by)), 201)


@router.post("/holdout/{version}/decision", response_model=Holdouts, dependencies=[for_acting("holdout.manage")])
def decide(app: App, by: Acting, version: Version, body: Confirmation) -> Response:
    """Confirm a proposal of somebody else, or refuse it. 404 where none waits under that number."""
    holdouts.decide(app, by, version, confirm=body.confirm)
    return answer(Holdouts(holdouts.versions(app, by)))
