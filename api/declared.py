"""What every route declares: who may use it, or why it is open to everybody. A test refuses a route without it.

    router = APIRouter(dependencies=[for_page("cases.read")])      all of its routes
    @router.post("/people", dependencies=[for_acting("organisation.manage")])

`for_page` is for pages (the browser's session), `for_reading` for JSON that only looks (a bearer token or the
session), `for_acting` for JSON that acts (a bearer token alone, so that no form elsewhere can do it), `for_anybody`
for what needs no sign-in.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from api.deps import ANY_KEY, App, Caller, CurrentViewer, Reader, refuse_unkept
from engine.service import keys
from engine.service.authorizing import Action, authorize


class Declared:
    """That somebody thought about who may use a route; `action` is None where everybody may."""

    def __init__(self, action: Action | None, why: str = "") -> None:
        self.action, self.why = action, why


class _Page(Declared):
    def __call__(self, viewer: CurrentViewer) -> None:
        assert self.action is not None
        authorize(viewer, self.action)


class _Reads(Declared):
    def __call__(self, viewer: Reader) -> None:
        assert self.action is not None
        authorize(viewer, self.action)


class _Does(Declared):
    async def __call__(
        self, request: Request, app: App, viewer: Caller, idempotency_key: Annotated[str | None, ANY_KEY] = None
    ) -> AsyncIterator[None]:
        """Let the request through; a key that stood for another request of the viewer's is refused."""
        assert self.action is not None
        authorize(viewer, self.action)
        body = await request.body()
        if "json" in request.headers.get("content-type", ""):
            refuse_unkept(body)
        if idempotency_key is None:
            yield
            return
        asked = f"{request.method} {request.url.path}\n".encode() + body
        key = f"{viewer.person}:{idempotency_key}"
        await run_in_threadpool(keys.refuse_other, app, key, asked)
        yield
        await run_in_threadpool(keys.remember, app, key, asked)  # only what was done: a refusal may be mended


class _Anybody(Declared):
    def __call__(self) -> None:
        return None


def acts(one: Declared) -> bool:
    """Whether it is of a request that changes something."""
    return isinstance(one, _Does)


def for_page(action: Action) -> Any:
    """A page for those who may do `action`."""
    return Depends(_Page(action))


def for_reading(action: Action) -> Any:
    """JSON for those who may do `action`, by bearer token or the browser's session."""
    return Depends(_Reads(action))


def for_acting(action: Action) -> Any:
    """A request that changes something, for those who may do `action`, by bearer token alone."""
    return Depends(_Does(action), scope="function")


def for_anybody(why: str) -> Any:
    """Open to everybody, for the reason given."""
    return Depends(_Anybody(None, why))
