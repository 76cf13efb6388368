"""Sign in for scripts: a token to send as `Authorization: Bearer …`."""

from typing import Annotated

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, ConfigDict, Field

from api.declared import for_acting, for_anybody
from api.deps import App, Caller
from api.rest.described import Described
from engine.service import people, signing_in
from engine.service.sessions import Browser

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["session"])


class Credentials(BaseModel):
    """Name and password of an account."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"login": "wangmin", "password": "…"}]})

    login: str
    password: str
    code: str = Field("", description="Of the second factor, where the account has one")


class Session(BaseModel):
    """The token of a session; it ends after a while without use."""

    token: str
    person: str


@router.post("/session", status_code=201, dependencies=[for_anybody("before there is a session")])
def sign_in(app: App, request: Request, given: Credentials) -> Session:
    """Open a session. 401 with a wrong name, password or code, 429 after too many tries, 409 where a page must be
    visited first: for a password of one's own, or to set a second factor up."""
    browser = Browser(address=request.client.host if request.client else "", name=request.headers.get("user-agent", ""))
    opened = signing_in.for_script(app, given.login, given.password, given.code, browser)
    return Session(token=opened.token, person=opened.person)


@router.delete("/session", status_code=204, dependencies=[for_acting("account.keep")])
def sign_out(app: App, caller: Caller, authorization: Annotated[str, Header()] = "") -> None:
    """End the session of the token."""
    people.sign_out(app, authorization.partition(" ")[2].strip())
