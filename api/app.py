"""The web application: routes, security headers on every answer, one log line per request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

import structlog
from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from api.headers import HEADERS
from api.pages import (
    access,
    account,
    admin_audit,
    admin_import,
    admin_offices,
    admin_operation,
    admin_people,
    admin_suppressions,
    beside,
    calendar,
    case_list,
    cases,
    channels,
    decisions,
    definitions,
    drafts,
    inbox,
    instances,
    keyboard,
    link,
    notifications,
    operations,
    paper,
    phrases,
    proposal,
    provider,
    reset,
    resume,
    second_factor,
    sheet,
    sign_in,
    stand_ins,
    steps,
    webhooks,
)
from api.rest import access as rest_access
from api.rest import beside as rest_beside
from api.rest import case_list as rest_case_list
from api.rest import cases as rest_cases
from api.rest import channels as rest_channels
from api.rest import decisions as rest_decisions
from api.rest import definitions as rest_definitions
from api.rest import documenting, health, receipts, session, standins, tasks
from api.rest import drafts as rest_drafts
from api.rest import notifications as rest_notifications
from api.rest import operation as rest_operation
from api.rest import organisation as rest_organisation
from api.rest import webhooks as rest_webhooks
from api.statics import Statics
from engine.service.app import Countersign

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
    inbox,
    decisions,
    keyboard,
    channels,
    notifications,
    operations,
    paper,
    phrases,
    webhooks,
    admin_audit,
    admin_import,
    admin_offices,
    admin_operation,
    admin_people,
    admin_suppressions,
    stand_ins,
    beside,
    calendar,
    case_list,
    instances,
    proposal,  # /cases/new stands before /cases/{case_id}
    cases,
    sheet,
    access,
    definitions,
    drafts,
)
RESTS = (
    rest_drafts,
    rest_case_list,
    rest_beside,
    rest_organisation,
    rest_operation,
    rest_webhooks,
    rest_notifications,
    rest_channels,
    session,
    rest_cases,
    rest_access,
    rest_decisions,
    tasks,
    rest_definitions,
    standins,
)


def create_app(app: Countersign | None = None) -> FastAPI:
    """Serve `app`, by default the one that the environment describes."""
    countersign = app or Countersign.open()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        if app is None:
            countersign.close()

    api = FastAPI(
        title="Countersign",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # such a redirect repeats the Host header
        lifespan=lifespan,
    )
    api.state.countersign = countersign
    documenting.document(api)
    errors.install(api)
    for page in PAGES:
        api.include_router(page.router, include_in_schema=False)
    api.include_router(access.audit, include_in_schema=False)
    api.include_router(admin_people.handing_over, include_in_schema=False)
    for rest in RESTS:
        api.include_router(rest.router, prefix="/api/v1")
    api.include_router(receipts.router)
    api.include_router(health.router)
    api.mount("/static", Statics(), name="static")
    api.add_middleware(Guarded)
    return api


class Guarded:
    """Sets the security headers and logs method, route pattern, status and milliseconds: never the address itself."""

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

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                is_static = scope["path"].startswith("/static/")
                headers["cache-control"] = "public, max-age=31536000, immutable" if is_static else "no-store"
                log.info(
                    "request",
                    method=scope["method"],
                    route=str(getattr(scope.get("route"), "path", "-")),
                    status=message["status"],
                    ms=round((perf_counter() - began) * 1000, 1),
                )
            await send(message)

        await self.app(scope, receive, guarded)
