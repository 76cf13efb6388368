"""The way into other people's accounts, for scripts of administrators: a link for a new password, a second factor taken
away, all sessions ended. Each is written down."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import Field

from api.declared import for_acting
from api.deps import App
from api.rest.answers import answer
from api.rest.described import Described
from api.rest.organisation import MANAGES, Acting, Body
from engine.service import passwords, second_factor, sessions
from engine.service.authorizing import Action

router = APIRouter(route_class=Described, prefix="/api/v1/people/{account}", tags=["organisation"])
LETS_IN: Action = "accounts.let_in"  # a token that is found somewhere lets nobody in


class Why(Body):
    """Why it is done; the history keeps it."""

    reason: str = Field("", max_length=200, examples=["asked for by telephone, called back"])


@dataclass(frozen=True, slots=True)
class ResetLink:
    """A link with which its person chooses a new password, once."""

    link: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Removed:
    """Whether there was a second factor."""

    removed: bool


@dataclass(frozen=True, slots=True)
class SignedOut:
    """How many sessions were ended."""

    ended: int


@router.post("/password-reset", status_code=201, response_model=ResetLink, dependencies=[for_acting(LETS_IN)])
def reset(app: App, by: Acting, account: str, body: Why) -> Response:
    """Make a link for a new password; links made before work no more. 404 for closed accounts."""
    made = passwords.reset_link(app, by, account, reason=body.reason)
    return answer(ResetLink(passwords.address_of(app, made), made.expires_at), 201)


@router.post("/second-factor/removal", response_model=Removed, dependencies=[for_acting(LETS_IN)])
def remove_factor(app: App, by: Acting, account: str, body: Why) -> Response:
    """Take a second factor away from who lost phone and recovery codes."""
    return answer(Removed(second_factor.remove(app, by, account, reason=body.reason)))


@router.post("/sign-out", response_model=SignedOut, dependencies=[for_acting(MANAGES)])
def sign_out(app: App, by: Acting, account: str, body: Why) -> Response:
    """End all sessions of a person, and forget their devices. API tokens stay."""
    return answer(SignedOut(sessions.end_all(app, by, account, reason=body.reason)))
