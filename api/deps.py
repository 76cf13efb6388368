"""What routes ask for: the application, the visit, the viewer, a checked form, an idempotency key."""

import json
import re
import secrets
from collections.abc import AsyncIterator
from typing import Annotated

import orjson
from fastapi import Depends, Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from api.auth import SESSION, Cookies, check_csrf
from api.i18n import N_
from api.uploads import form_of
from api.visit import Visit
from engine.errors import InvalidForm, Problem, SignInNeeded
from engine.service import people, sessions
from engine.service.app import Countersign
from engine.service.views import Viewer

ANY_KEY = Header(
    pattern=r"^[A-Za-z0-9_.\-]{8,64}$",
    description="Makes the request count once: the same key of the same person with the same request gives the first "
    "result again, with another request it is refused (409). 8 to 64 letters, digits, dots, dashes.",
    examples=["october-case-1"],
)
KEY = re.compile(r"[A-Za-z0-9_.-]{8,64}")
UNKEPT = Problem("text.sign", "the text holds a sign that cannot be kept")
BROKEN_FORM = Problem("form", N_("The form came incomplete. Reload the page and send it again; nothing was changed."))


def opened(request: Request) -> Countersign:
    """The application that this server serves."""
    app: Countersign = request.app.state.countersign
    return app


App = Annotated[Countersign, Depends(opened)]


def visit(request: Request, app: App) -> Visit:
    """The visit of a page; kept on the request so that an error page knows it too."""
    found = Visit(app, request)
    request.state.visit = found
    return found


CurrentVisit = Annotated[Visit, Depends(visit)]


def viewer(visit: CurrentVisit) -> Viewer:
    """Who is signed in; SignInNeeded where nobody is."""
    if visit.viewer is None:
        raise SignInNeeded()
    return visit.viewer


CurrentViewer = Annotated[Viewer, Depends(viewer)]


async def posted(request: Request, app: App, visit: CurrentVisit) -> AsyncIterator[FormData]:
    """The form of a page, after its CSRF token was checked; its files are closed at the end, whatever that is. Who acts
    stays signed in for longer."""
    form = await form_of(request)
    request.state.form = form  # what an error page keeps of it; it cannot be read twice
    try:
        check_csrf(visit.csrf, text(form, "csrf"))
        if any(isinstance(value, str) and "\x00" in value for value in form.values()):
            raise InvalidForm([UNKEPT])
        if visit.viewer is not None:
            await run_in_threadpool(sessions.prolong, app, visit.session)
        yield form
    finally:
        await form.close()


Posted = Annotated[FormData, Depends(posted)]


def refuse_unkept(body: bytes) -> None:
    """InvalidForm where JSON holds a sign that no database keeps: NUL, or half of a surrogate pair."""
    if b"\\u" not in body:
        return
    try:
        kept = orjson.dumps(json.loads(body))
    except (ValueError, TypeError):  # half of a pair, or no JSON at all
        kept = b"\\u0000" if re.search(rb"\\u[dD][89a-fA-F]", body) else b""
    if b"\\u0000" in kept:
        raise InvalidForm([UNKEPT])


def text(form: FormData, name: str) -> str:
    """The text of a form field; empty where it is absent or a file."""
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def form_key(form: FormData, viewer: Viewer) -> str:
    """The key that makes sending the form twice count once, within this person's own keys."""
    key = text(form, "key")
    if not KEY.fullmatch(key):
        raise InvalidForm([BROKEN_FORM])
    return f"{viewer.person}:{key}"


def address_of(request: Request) -> str:
    """Where a request came from."""
    return request.client.host if request.client else ""


def bearer(request: Request, app: App, authorization: Annotated[str, Header()] = "") -> Viewer:
    """Who a script is signed in as; SignInNeeded without a valid bearer token."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise SignInNeeded()
    return people.viewer_of(app, token.strip(), address=address_of(request))


Caller = Annotated[Viewer, Depends(bearer)]


def reader(request: Request, app: App, authorization: Annotated[str, Header()] = "") -> Viewer:
    """Who looks: by bearer token, or by the session of their browser, as looking changes nothing."""
    if authorization:
        return bearer(request, app, authorization)
    return people.viewer_of(app, Cookies(app.settings).read(request, SESSION), address=address_of(request))


Reader = Annotated[Viewer, Depends(reader)]


def header_key(caller: Caller, idempotency_key: Annotated[str | None, ANY_KEY] = None) -> str:
    """The Idempotency-Key of a request, within the caller's own keys; without one the request counts each time."""
    key = idempotency_key or secrets.token_urlsafe(16)
    if not KEY.fullmatch(key):
        raise InvalidForm([Problem("key", N_("An Idempotency-Key has 8 to 64 letters, digits, dots, dashes."))])
    return f"{caller.person}:{key}"


Key = Annotated[str, Depends(header_key)]
