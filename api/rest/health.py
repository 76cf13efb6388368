"""Whether the server can do its work."""

from fastapi import APIRouter, Response

from api.declared import for_anybody
from api.deps import App
from api.rest.answers import answer
from api.rest.described import Described
from engine.service import health

router = APIRouter(
    route_class=Described, tags=["health"], dependencies=[for_anybody("tells nothing but that it works")]
)


@router.get("/health", response_model=dict[str, str])
def show(app: App) -> Response:
    """200 when the database answers, else 503; the reason is in the server's log. `down` names the channels of notices
    to staff that do not answer, and since when; cases go on, so it stays 200."""
    return answer(health.check(app))


@router.get("/ready", response_model=dict[str, str])
def ready(app: App) -> Response:
    """200 when the database answers and has this release's tables, else 503: whether requests may be sent here."""
    return answer(health.ready(app))
