"""What stands beside a proposal: files to download, comments, names to look up, the picture of the process."""

from typing import Literal

from fastapi import APIRouter, Response
from starlette.responses import FileResponse

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.rest.answers import answer
from engine.service import attaching, commenting, drawings, lookups, previewing

router = APIRouter(dependencies=[for_page("cases.read")])


@router.get("/cases/{case_id}/files/{file_id}")
def download(app: App, viewer: CurrentViewer, case_id: str, file_id: str) -> Response:
    """A file of the case, always as a download."""
    stored, path = attaching.hand_out(app, viewer, case_id, file_id)
    return FileResponse(path, media_type=stored.type, filename=stored.name, content_disposition_type="attachment")


@router.get("/cases/{case_id}/message")
def message(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str) -> Response:
    """The message on a few customers of every cell, masked, with its size and what it costs."""
    return visit.page("message.html", case_id=case_id, shown=previewing.preview(app, viewer, case_id))


@router.get("/cases/{case_id}/process.svg")
def process(app: App, viewer: CurrentViewer, case_id: str) -> Response:
    """The process with where the case is."""
    return Response(drawings.drawing(app, viewer, case_id), media_type="image/svg+xml")


@router.post("/cases/{case_id}/comments", dependencies=[for_page("cases.act")])
def comment(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Say something about a field, or note that a comment is settled; then back to where it was said."""
    key = form_key(form, viewer)
    if settled := text(form, "settle"):
        commenting.settle(app, viewer, case_id, settled)
    else:
        commenting.add(app, viewer, case_id, text(form, "field"), text(form, "text"), key=key)
    return visit.go(f"/cases/{case_id}/edit#comments" if text(form, "back") == "edit" else f"/cases/{case_id}#comments")


@router.get("/lookup/{kind}")
def look_up(app: App, viewer: CurrentViewer, kind: Literal["people", "offices"], q: str = "") -> Response:
    """People or offices by a part of their name, for the script of the form."""
    return answer({"found": lookups.named(app, viewer, kind, q[:60])})
