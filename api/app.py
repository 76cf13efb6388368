"""The web application: routes, security headers on every answer, one log line per request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

import structlog
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from api.pages import cases, decisions, definitions, drafts, inbox, instances, link, proposal, sheet, sign_in
from api.rest import cases as rest_cases
from api.rest import decisions as rest_decisions
from api.rest import definitions as rest_definitions
from api.rest import documenting, health, receipts, session, standins, tasks
from api.rest import drafts as rest_drafts
from api.templating import HERE
from engine.service.app import Countersign

log = structlog.get_logger()
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-robots-tag": "noindex",
}


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
        lifespan=lifespan,
    )
    api.state.countersign = countersign
    documenting.document(api)
    errors.install(api)
    for page in (
        sign_in,
        link,
        inbox,
        decisions,
        proposal,
        cases,
        sheet,
        definitions,
        drafts,
        instances,
    ):  # /cases/new stands before /cases/{case_id}
        api.include_router(page.router, include_in_schema=False)
    for rest in (session, rest_cases, rest_decisions, tasks, rest_definitions, rest_drafts, standins):
        api.include_router(rest.router, prefix="/api/v1")
    api.include_router(receipts.router)
    api.include_router(health.router)
    api.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
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
