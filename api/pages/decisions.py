"""Several decisions at once: the list of what is included and what is left out and why, then what became of each."""

from decimal import Decimal

from fastapi import APIRouter, Request, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import sentence
from engine.service import bulk
from engine.service.operations import Door

router = APIRouter(dependencies=[for_page("cases.act")])


@router.get("/inbox/decisions")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, request: Request) -> Response:
    """The tasks that were ticked in the inbox; nothing is decided yet."""
    rows = bulk.listed(app, viewer, request.query_params.getlist("task"))
    included = [row for row in rows if row.left is None]
    return visit.page(
        "decisions.html",
        included=included,
        left=[row for row in rows if row.left is not None],
        total=sum((row.task.case.budget or Decimal(0) for row in included if row.task), Decimal(0)),
        handled=(),
        told=lambda error: sentence(error, visit.formats),
    )


@router.post("/inbox/decisions")
def decide(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Decide on those of the list; the same form again shows the same outcomes."""
    chosen: dict[str, int] = {}
    for value in form.getlist("task"):
        task, _, seen = str(value).rpartition(":")
        if seen.isdecimal() and len(seen) < 10:
            chosen[task] = int(seen)
    door = Door(viewer, form_key(form, viewer))
    return visit.page(
        "decisions.html",
        included=(),
        left=(),
        total=Decimal(0),
        handled=bulk.decide(app, door, chosen, remark=text(form, "remark")),
        told=lambda error: sentence(error, visit.formats),
    )
