"""What waits for the viewer, what they did, what they were copied on, their own cases."""

from typing import Literal

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit
from engine.service import approvals

router = APIRouter(dependencies=[for_page("cases.read")])


@router.get("/inbox")
def show(
    app: App, visit: CurrentVisit, viewer: CurrentViewer, list: Literal["to_do", "done", "copied", "mine"] = "to_do"
) -> Response:
    """One of the four lists, with the counts of all."""
    return visit.page("inbox.html", inbox=approvals.inbox(app, viewer), shown=list)
