"""The OpenAPI document: what every operation may answer besides its result, and that a bearer token signs in.

Errors follow from who may use a route (`api.declared`) and from its method, so no route says them itself. Refuses an
operation without a description.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from api.declared import Declared, acts
from api.rest.described import Described

ABOUT = """A workflow and approval engine for marketing campaigns.

Money and decimals travel as text, times as ISO 8601 with a zone, labels in Chinese and English. Lists come in pieces
(`limit`, `cursor`; `next` and a Link header lead on). Errors are problem details (RFC 9457). What is not yours to see
answers as what is not there (404). A POST with an `Idempotency-Key` counts once."""
REASONS = {
    "401": "Sign in first: the token is missing, wrong or over",
    "403": "The signature is wrong or missing",
    "404": "There is no such thing, or it is not the caller's to see",
    "409": "Not possible now; `detail` says who was first, or what is possible instead",
    "412": "Somebody saved another text since the one that If-Match names",
    "422": "The input is wrong; `problems` has one entry per wrong field",
    "429": "Too many tries; wait",
    "503": "The database or a gateway does not answer; nothing was lost",
}
HIDDEN = "/metrics"
"""Open to who comes from where the settings say; to everybody else it is not there."""
PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "Problem details (RFC 9457); `type` is the name of the kind.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["NotFound"]},
        "title": {"type": "string", "examples": ["Not Found"]},
        "status": {"type": "integer", "examples": [404]},
        "detail": {"type": "string", "examples": ["There is no such page, or it is not yours to see."]},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "at", "message", "hint"],
                "properties": {
                    "code": {"type": "string"},
                    "at": {"type": "string", "description": "The field; empty where it is about the whole"},
                    "message": {"type": "string"},
                    "hint": {"type": "string"},
                    "line": {"type": "integer"},
                    "column": {"type": "integer"},
                },
            },
        },
    },
}


def document(title: str, version: str, routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """The OpenAPI document of `routes`."""
    for one in routes:
        if isinstance(one, Described):
            one.describe()
    return _completed(get_openapi(title=title, version=version, description=ABOUT, routes=routes), routes)


def declared(dependant: Dependant) -> Iterator[Declared]:
    """What a route declares, in its own list and in its router's."""
    for each in dependant.dependencies:
        if isinstance(each.call, Declared):
            yield each.call
        yield from declared(each)


def _completed(made: dict[str, Any], routes: Sequence[BaseRoute]) -> dict[str, Any]:
    parts = made.setdefault("components", {})
    parts.setdefault("schemas", {})["Problem"] = PROBLEM
    for unused in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(unused, None)
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for one in routes:
        if not isinstance(one, APIRoute) or one.path not in made["paths"]:
            continue
        said = list(declared(one.dependant))
        for method in one.methods or ():
            operation = made["paths"][one.path].get(method.lower())
            if operation is not None:
                _complete(operation, method, one.path, said)
    return made


def _complete(operation: dict[str, Any], method: str, path: str, said: list[Declared]) -> None:
    is_open = all(one.action is None for one in said)
    statuses = {"503"}
    if not path.startswith(("/health", "/ready")):
        statuses.add("422")
    if path == HIDDEN:
        statuses.add("404")
    if is_open and method == "POST":
        statuses |= {"401", "403", "429"}
    if not is_open:
        statuses |= {"401", "404"}
        operation["security"] = [{"token": []}]
    if any(acts(one) for one in said):
        statuses |= {"409", "429"}
    if any(one["name"].lower() == "if-match" for one in operation.get("parameters", ())):
        statuses.add("412")
    told = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation["responses"] |= {status: {"description": REASONS[status], "content": told} for status in sorted(statuses)}
