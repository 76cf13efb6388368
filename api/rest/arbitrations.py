"""Arbitrations for scripts: the runs, another one (also with figures supposed otherwise), its commitment."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller
from api.rest.answers import answer
from api.rest.audience import Acting
from api.rest.cases import Body
from api.rest.described import Described
from engine.service import arbitrating, arbitration_views, supposing
from engine.service.arbitration_views import RunLine, RunView
from engine.service.recording import By
from engine.service.supposing import Wanted

Number = Annotated[int, Path(ge=1, lt=2**31, examples=[1])]
router = APIRouter(route_class=Described, prefix="/api/v1", tags=["audience"])


class NewRun(Body):
    """What to run. Whatever is supposed changes nothing but the run."""

    since: str = Field("", max_length=10, examples=["2026-12-01"], description="The first day; empty for today")
    until: str = Field("", max_length=10, examples=["2026-12-07"], description="The last day; empty for a week")
    base: int = Field(0, ge=0, lt=2**31, examples=[0], description="The run to compare with, whose days are taken")
    priorities: dict[str, int] = Field(
        {},
        max_length=1000,
        examples=[{"440111-2026-00001": 5}],
        description="Other priorities, by number or id of case",
    )
    caps: dict[int, int] = Field(
        {}, max_length=20, examples=[{"1": 2}], description="Other caps, by their place in the policy, from 1"
    )
    capacity: dict[str, int] = Field(
        {}, max_length=20, examples=[{"sms": 200000}], description="Other capacities of channels a day"
    )


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs, the newest first."""

    runs: tuple[RunLine, ...]


@router.get("/arbitrations", response_model=Runs, dependencies=[for_reading("arbitration.run")])
def listed(app: App, caller: Caller) -> Response:
    """The last runs of the arbitration, the newest first."""
    return answer(Runs(arbitration_views.listed(app, By(caller, "api"))))


@router.post("/arbitrations", status_code=201, response_model=RunView, dependencies=[for_acting("arbitration.run")])
def run(app: App, by: Acting, body: NewRun) -> Response:
    """Run the arbitration over the submitted cases of some days. 409 where no contact policy is in force, or no case
    takes part; 404 for a case that the caller does not see."""
    priorities = {case: str(n) for case, n in body.priorities.items()}
    wanted = Wanted(
        body.since,
        body.until,
        str(body.base or ""),
        priorities=supposing.by_id(app, by, priorities),
        caps={str(place - 1): str(most) for place, most in body.caps.items()},
        capacity={channel: str(most) for channel, most in body.capacity.items()},
    )
    number = arbitrating.run(app, by, wanted)
    return answer(arbitration_views.show(app, by, number), 201)


@router.get("/arbitrations/{number}", response_model=RunView, dependencies=[for_reading("arbitration.run")])
def show(app: App, caller: Caller, number: Number) -> Response:
    """One run: what each case wanted, got and lost, to whom and why."""
    return answer(arbitration_views.show(app, By(caller, "api"), number))


@router.post(
    "/arbitrations/{number}/commitment", response_model=RunView, dependencies=[for_acting("arbitration.commit")]
)
def commit(app: App, by: Acting, number: Number) -> Response:
    """Let a run hold for its cases: their next frozen list leaves out whom they lost. 409 where its cases or the policy
    changed since, or it supposes another policy; 404 where it was committed."""
    arbitrating.commit(app, by, number)
    return answer(arbitration_views.show(app, by, number))
