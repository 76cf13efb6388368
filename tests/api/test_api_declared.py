"""Every route says who may use it, and says it once."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from api.app import create_app
from api.declared import Declared
from engine.service.app import Countersign
from engine.service.authorizing import RULES


def declared(dependant: Dependant) -> list[Declared]:
    """What a route declares, in its own list and in its router's."""
    own = [each.call for each in dependant.dependencies if isinstance(each.call, Declared)]
    return own + [one for each in dependant.dependencies for one in declared(each)]


def routes(api: FastAPI) -> Iterator[tuple[str, list[Declared]]]:
    """Method and path of every route, with what it declares."""
    for one in iter_route_contexts(api.routes):
        if isinstance(one.original_route, APIRoute):
            yield f"{'/'.join(sorted(one.methods or ()))} {one.path}", declared(one.original_route.dependant)


def undeclared(api: FastAPI) -> list[str]:
    """The routes that say nothing about who may use them."""
    return [name for name, said in routes(api) if not said]


@pytest.fixture
def api(app: Countersign) -> FastAPI:
    return create_app(app)


def test_every_route_declares_who_may_use_it(api: FastAPI):
    assert len(list(routes(api))) > 60
    assert undeclared(api) == []


def test_a_route_that_declares_nothing_is_found(api: FastAPI):
    api.add_api_route("/planted", lambda: None)
    assert undeclared(api) == ["GET /planted"]


def test_open_routes_are_few_and_say_why(api: FastAPI):
    reasons = {name: one.why for name, said in routes(api) for one in said if one.action is None}
    assert {name.split()[1] for name in reasons} == {
        "/", "/sign-in", "/sign-out", "/language", "/l/{token}", "/api/v1/session", "/gateway/receipts", "/health",
        "/gateway/mails", "/opt-out/{token}",
        "/sign-in/step", "/sign-in/code", "/sign-in/password", "/sign-in/second-factor", "/reset/{token}",
        "/sign-in/provider", "/sign-in/provider/back",
        "/ready", "/healthz", "/readyz", "/metrics",
        "/calendar/{token}.ics",
        "/decide", "/l/{token}/code", "/l/{token}/open",
        "/gateway/replies", "/gateway/complaints", "/gateway/orders", "/r/{token}", "/o/{token}",
    }  # fmt: skip
    assert all(reasons.values())


def test_every_declared_action_has_a_rule(api: FastAPI):
    used = {one.action for _, said in routes(api) for one in said if one.action is not None}
    assert used
    assert used <= set(RULES)
