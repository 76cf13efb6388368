"""What every route declares: who may use it, or why it is open to everybody. A test refuses a route without it.

    router = APIRouter(dependencies=[for_page("cases.read")])      all of its routes
    @router.post("/people", dependencies=[for_acting("organisation.manage")])

`for_page` is for pages (the browser's session), `for_reading` for JSON that only looks (a bearer token or the
session), `for_acting` for JSON that acts (a bearer token alone, so that no form elsewhere can do it), `for_anybody`
for what needs no sign-in.
"""

from typing import Any

from fastapi import Depends

from api.deps import Caller, CurrentViewer, Reader
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
    def __call__(self, viewer: Caller) -> None:
        assert self.action is not None
        authorize(viewer, self.action)


class _Anybody(Declared):
    def __call__(self) -> None:
        return None


def for_page(action: Action) -> Any:
    """A page for those who may do `action`."""
    return Depends(_Page(action))


def for_reading(action: Action) -> Any:
    """JSON for those who may do `action`, by bearer token or the browser's session."""
    return Depends(_Reads(action))


def for_acting(action: Action) -> Any:
    """A request that changes something, for those who may do `action`, by bearer token alone."""
    return Depends(_Does(action))


def for_anybody(why: str) -> Any:
    """Open to everybody, for the reason given."""
    return Depends(_Anybody(None, why))
