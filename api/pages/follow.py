"""Links that stand in messages and lead on. Open to everybody who has a message: the token gives the right.

Whatever is none of our links is the page that a wrong link to opt out gets, byte for byte.
"""

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from api.declared import for_anybody
from api.deps import App, CurrentVisit
from api.pages.opt_out import no_way, visitor
from engine.errors import NotFound
from engine.service import clicking

router = APIRouter(dependencies=[for_anybody("a customer's link from a message; its token gives the right")])


@router.api_route("/r/{token}", methods=["GET", "HEAD"])
def follow(app: App, visit: CurrentVisit, token: str) -> Response:
    """On to where the message's link leads."""
    try:
        return RedirectResponse(clicking.follow(app, token, visitor(visit)), 302)
    except NotFound:
        return no_way(visit)
