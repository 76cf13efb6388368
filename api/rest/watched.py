"""What a monitoring system asks: whether the process lives, whether all parts are ready, and the figures."""

import hmac

from fastapi import APIRouter, Request, Response

from api import metrics
from api.declared import for_anybody
from api.deps import App
from api.rest.answers import answer
from api.rest.described import Described
from engine.errors import NotFound
from engine.service import figures
from engine.service.figures import Readiness

LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")
PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")

router = APIRouter(route_class=Described, tags=["health"])


@router.get("/healthz", response_model=dict[str, str], dependencies=[for_anybody("tells nothing but that it lives")])
async def lives() -> Response:
    """200 while the process answers; it asks neither the database nor anything else."""
    return answer({"process": "ok"})


@router.get("/readyz", response_model=Readiness, dependencies=[for_anybody("tells which part fails, not where it is")])
def ready(app: App) -> Response:
    """200 when database, tables, customers' files, flows and disk are well and sending is not held, else 503 with the
    part that is not. For who watches; a load balancer asks /ready, as pages serve without flows."""
    found = figures.readiness(app)
    if found.is_ready:
        return answer(found)
    ill = ", ".join(name for name, said in found.parts.items() if said != figures.OK)
    problem = {"type": "NotReady", "title": "Service Unavailable", "status": 503, "detail": f"not well: {ill}"}
    told = answer({**problem, "parts": found.parts}, 503)
    told.headers["content-type"] = "application/problem+json"
    return told


@router.get(
    "/metrics",
    response_model=str,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    dependencies=[for_anybody("asks for the token of the settings, or to come from this machine")],
)
def measured(app: App, request: Request) -> Response:
    """The figures for Prometheus. With COUNTERSIGN_METRICS_TOKEN it asks for that as bearer token; without, it answers
    only who asks on this machine without a proxy between. Everybody else is told that there is nothing."""
    if not _may(request, app.settings.metrics_token):
        raise NotFound()
    return Response(metrics.text(app), media_type=metrics.TYPE)


def _may(request: Request, token: str) -> bool:
    if token:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), token.encode())
    came = request.client.host if request.client else ""
    return came in LOOPBACK and not any(name in request.headers for name in PASSED_ON)
