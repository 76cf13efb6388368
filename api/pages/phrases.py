"""The viewer's quick phrases: one per line, in the order in which the sheet offers them."""

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key
from api.errors import sentence
from api.words import PHRASES
from engine.errors import InvalidForm
from engine.service import phrases

router = APIRouter(dependencies=[for_page("cases.act")])


@router.get("/phrases")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """Their own, or those that everybody is offered until they keep some."""
    own = phrases.listed(app, viewer)
    return visit.page("phrases.html", written="\n".join(own or map(visit.words, PHRASES)), own=bool(own), error="")


@router.post("/phrases")
def keep(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Keep what is written; a refusal keeps it in the field. The same form again changes nothing."""
    form_key(form, viewer)
    sent = form.get("phrases", "")
    written = sent if isinstance(sent, str) else ""
    try:
        phrases.keep(app, viewer, written.splitlines())
    except InvalidForm as error:
        said = sentence(error, visit.formats)
        return visit.page("phrases.html", status=error.status, written=written, own=True, error=said)
    return visit.go("/phrases")
