"""The web application: routes, security headers on every answer, one log line per request."""

import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from time import perf_counter
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from api.headers import HEADERS
from api.metrics import ANSWERED
from api.pages import (
    access,
    account,
    admin_audit,
    admin_data,
    admin_holdout,
    admin_import,
    admin_offices,
    admin_operation,
    admin_people,
    admin_policy,
    admin_seeds,
    admin_suppressions,
    arbitration,
    beside,
    budgets,
    calendar,
    call_lists,
    calls,
    case_list,
    cases,
    channels,
    closing,
    costs,
    customers,
    dashboards,
    decisions,
    definitions,
    drafts,
    erasures,
    follow,
    groups,
    groups_build,
    hall,
    inbox,
    instances,
    keyboard,
    league,
    link,
    notifications,
    offers,
    operations,
    opt_out,
    paper,
    phrases,
    process,
    proofs,
    proposal,
    provider,
    rehearsals,
    reset,
    resume,
    saved_views,
    second_factor,
    sheet,
    sign_in,
    stand_ins,
    steps,
    waivers,
    webhooks,
    widening,
)
from api.rest import access as rest_access
from api.rest import arbitrations as rest_arbitrations
from api.rest import audience as rest_audience
from api.rest import beside as rest_beside
from api.rest import budgets as rest_budgets
from api.rest import calls as rest_calls
from api.rest import case_list as rest_case_list
from api.rest import cases as rest_cases
from api.rest import channels as rest_channels
from api.rest import closing as rest_closing
from api.rest import costs as rest_costs
from api.rest import customers as rest_customers
from api.rest import dataset as rest_dataset
from api.rest import decisions as rest_decisions
from api.rest import definitions as rest_definitions
from api.rest import documenting, health, receipts, session, standins, tasks, watched
from api.rest import drafts as rest_drafts
from api.rest import drilling as rest_drilling
from api.rest import erasures as rest_erasures
from api.rest import exports as rest_exports
from api.rest import groups as rest_groups
from api.rest import hall as rest_hall
from api.rest import league as rest_league
from api.rest import metrics as rest_metrics
from api.rest import notifications as rest_notifications
from api.rest import offers as rest_offers
from api.rest import operation as rest_operation
from api.rest import organisation as rest_organisation
from api.rest import policy as rest_policy
from api.rest import process as rest_process
from api.rest import proofs as rest_proofs
from api.rest import views as rest_views
from api.rest import waivers as rest_waivers
from api.rest import ways_in as rest_ways_in
from api.rest import webhooks as rest_webhooks
from api.statics import Statics
from engine.service.app import PAGE_LOCK_SECONDS, Countersign

log = structlog.get_logger()
PAGES = (
    sign_in,
    steps,
    provider,
    reset,
    resume,
    account,
    second_factor,
    link,
    opt_out,
    follow,
    inbox,
    decisions,
    keyboard,
    channels,
    notifications,
    operations,
    paper,
    phrases,
    process,
    webhooks,
    admin_audit,
    admin_data,
    admin_holdout,
    admin_import,
    admin_offices,
    admin_operation,
    admin_people,
    admin_policy,
    admin_seeds,
    admin_suppressions,
    arbitration,
    budgets,
    costs,
    customers,
    erasures,
    waivers,
    hall,
    groups_build,  # /groups/build stands before /groups/{name}
    offers,
    call_lists,
    widening,
    calls,
    rehearsals,
    stand_ins,
    beside,
    proofs,
    calendar,
    saved_views,
    dashboards,
    league,
    case_list,
    closing,
    instances,
    proposal,  # /cases/new stands before /cases/{case_id}
    cases,
    sheet,
    access,
    definitions,
    drafts,
    groups,
)
RESTS = (
    rest_drafts,
    rest_calls,
    rest_case_list,
    rest_exports,
    rest_closing,
    rest_metrics,
    rest_drilling,
    rest_league,
    rest_beside,
    rest_organisation,
    rest_dataset,
    rest_ways_in,
    rest_operation,
    rest_webhooks,
    rest_views,
    rest_notifications,
    rest_channels,
    session,
    rest_cases,
    rest_audience,
    rest_process,
    rest_proofs,
    rest_customers,
    rest_erasures,
    rest_waivers,
    rest_hall,
    rest_groups,
    rest_policy,
    rest_budgets,
    rest_costs,
    rest_arbitrations,
    rest_offers,
    rest_access,
    rest_decisions,
    tasks,
    rest_definitions,
    standins,
)


def create_app(app: Countersign | None = None) -> FastAPI:
    """Serve `app`, by default the one that the environment describes."""
    countersign = app or Countersign.open(lock_seconds=PAGE_LOCK_SECONDS)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        if app is None:
            countersign.close()

    api = FastAPI(
        title="Countersign",
        version="1",
        routes=routes(),
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # such a redirect repeats the Host header
        lifespan=lifespan,
    )
    api.state.countersign = countersign
    api.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI documents
    errors.install(api)
    api.mount("/static", Statics(), name="static")
    api.add_middleware(Guarded)
    return api


def routes() -> list[BaseRoute]:
    """What every application serves, in the order in which addresses are compared.

    The routes are those of the modules themselves: `include_router` would build each a second time, at the first
    request and for every application, which takes longer than loading this program.
    """
    beside = (access.audit, admin_people.handing_over)
    pages = [route for router in (*(page.router for page in PAGES), *beside) for route in router.routes]
    return pages + documented()


def documented() -> list[BaseRoute]:
    """The routes for scripts, gateways and watchers, which the OpenAPI document describes."""
    return [route for rest in (*RESTS, receipts, health, watched) for route in rest.router.routes]


@cache
def openapi() -> dict[str, Any]:
    """The OpenAPI document, made when somebody first asks for it."""
    return documenting.document("Countersign", "1", documented())


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
REQUEST_ID = re.compile(rb"[A-Za-z0-9_.-]{8,64}")
CASE_ID = re.compile(r"[A-Za-z0-9-]{1,24}")


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else "other"


def _request_id(scope: Scope) -> str:
    """What the proxy calls the request, where it does so in a form that a log can hold; else a name of its own."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return given.decode() if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _named(scope: Scope) -> dict[str, str]:
    """The case that a request is about, where its address names one."""
    case = str(scope.get("path_params", {}).get("case_id", ""))
    return {"case": case} if CASE_ID.fullmatch(case) else {}


class Guarded:
    """Sets the security headers and logs method, route pattern, status and milliseconds: never the address itself.
    Every line that is logged meanwhile has the id of the request, which the answer has as well."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an HTTP request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            # no database keeps the sign, so there is nothing of that name
            scope = {**scope, "path": "/nowhere", "raw_path": b"/nowhere", "query_string": b""}
        began = perf_counter()
        structlog.contextvars.clear_contextvars()
        request_id = _request_id(scope)
        structlog.contextvars.bind_contextvars(request=request_id)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers["x-request-id"] = request_id
                is_static = scope["path"].startswith("/static/")
                headers["cache-control"] = "public, max-age=31536000, immutable" if is_static else "no-store"
                route, seconds = str(getattr(scope.get("route"), "path", "-")), perf_counter() - began
                ANSWERED.labels(_method(scope), route, str(message["status"])).observe(seconds)
                log.info(
                    "request",
                    method=scope["method"],
                    route=route,
                    status=message["status"],
                    ms=round(seconds * 1000, 1),
                    **_named(scope),
                )
            await send(message)

        await self.app(scope, receive, guarded)
