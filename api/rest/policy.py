"""The contact policy for scripts: its versions, a proposal, its confirmation."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller
from api.rest.answers import answer
from api.rest.audience import Acting, Confirmation
from api.rest.cases import Body
from api.rest.described import Described
from engine.service import policies
from engine.service.policies import PoliciesView
from engine.service.recording import By

Version = Annotated[int, Path(ge=1, lt=2**31, examples=[1])]
router = APIRouter(route_class=Described, prefix="/api/v1", tags=["audience"])
EXAMPLE = {
    "caps": [{"most": 2, "within": "7d"}, {"most": 1, "within": "1d", "channel": "sms", "purpose": "marketing"}],
    "similar": "30d",
    "capacity": {"sms": 200000},
    "capacity_each": {"hall": {"by": "hall", "per_day": 30, "channel": "file"}},
    "exempt": ["service"],
}


class NewPolicy(Body):
    """A contact policy to propose."""

    policy: dict[str, Any] = Field(
        examples=[EXAMPLE],
        description="caps (most, within, channel, purpose, category), similar, capacity by channel and day, "
        "capacity_each by hall and agent (by, per_day, channel), exempt; "
        "empty ends the policy in force",
    )
    reason: str = Field(max_length=200, examples=["fewer messages per customer"])


@router.get("/policy", response_model=PoliciesView, dependencies=[for_reading("policy.manage")])
def versions(app: App, caller: Caller) -> Response:
    """All versions of the contact policy, the newest first, and what channels, halls and agents with a
    limit carried today."""
    return answer(policies.show(app, By(caller, "api")))


@router.post("/policy", status_code=201, response_model=PoliciesView, dependencies=[for_acting("policy.manage")])
def propose(app: App, by: Acting, body: NewPolicy) -> Response:
    """Propose a policy, which holds once another administrator confirms it."""
    policies.propose(app, by, body.policy, reason=body.reason)
    return answer(policies.show(app, by), 201)


@router.post("/policy/{version}/decision", response_model=PoliciesView, dependencies=[for_acting("policy.manage")])
def decide(app: App, by: Acting, version: Version, body: Confirmation) -> Response:
    """Confirm a proposal of somebody else, or refuse it. 404 where none waits under that number."""
    policies.decide(app, by, version, confirm=body.confirm)
    return answer(policies.show(app, by))
