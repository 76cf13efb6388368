"""The person as whom a command acts. In a module of its own: most commands need no more of the others."""

from engine.errors import InvalidFile, Problem, SignInNeeded
from engine.service import people
from engine.service.app import Countersign
from engine.service.views import Viewer


def person(app: Countersign, login: str) -> Viewer:
    """The person of that name. Raises InvalidFile in words where there is none."""
    try:
        return people.viewer_named(app, login)
    except SignInNeeded:
        hint = "add them with `countersign people import`"
        raise InvalidFile([Problem("person", f"there is no active person {login!r}", hint)]) from None
