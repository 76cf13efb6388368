"""The audit: who did what, everywhere; and whether the histories are what was written."""

from dataclasses import asdict

from fastapi import APIRouter, Response

from api import exporting
from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, download, said_of, uploaded
from api.pages.saved_views import bar_of
from api.visit import Visit
from engine.errors import Invalid
from engine.service import auditing, checkpoints
from engine.service.app import Countersign
from engine.service.auditing import Asked, AuditPage
from engine.service.checkpoints import Compared

router = APIRouter(dependencies=[for_page("audit.read")])


@router.get("/admin/audit")
def listed(
    *,
    app: App,
    visit: CurrentVisit,
    viewer: CurrentViewer,
    person: str = "",
    case: str = "",
    kind: str = "",
    first: str = "",
    last: str = "",
    cursor: str = "",
    view: str = "",
    form: exporting.Asked = "",
) -> Response:
    """50 entries at a time, the newest first; the search is in the address. As a file all that the search finds; `view`
    is the saved view that led here."""
    asked = Asked(person[:40].strip(), case[:60].strip(), kind[:32], first[:10], last[:10])
    bar = bar_of(visit, viewer, "audit", asdict(asked), view)
    try:
        if form:
            return exporting.exported(auditing.table(app, by(visit, viewer), asked), form, visit.language)
        found = auditing.listed(app, by(visit, viewer), asked, cursor[:200])
    except Invalid as error:
        empty = AuditPage((), "")
        return visit.page("admin_audit.html", status=422, audit=empty, asked=asked, error=said_of(error, visit), **bar)
    return visit.page("admin_audit.html", audit=found, asked=asked, error="", **bar)


@router.get("/admin/audit/verify")
def ask(app: App, visit: CurrentVisit) -> Response:
    """What can be checked."""
    return _page(app, visit)


@router.post("/admin/audit/verify")
def verify(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Check the organisation's history and the next cases."""
    done = text(form, "done")
    before = int(done) if done.isdecimal() and len(done) < 12 else 0
    found = auditing.verify(app, by(visit, viewer), text(form, "after")[:24])
    return _page(app, visit, verified=found, done=before + found.checked)


@router.post("/admin/audit/checkpoint")
def checkpoint(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """A signed checkpoint to keep elsewhere."""
    made = checkpoints.export(app, by(visit, viewer, form))
    return download(made, f"checkpoint-{app.now():%Y%m%d-%H%M%S}.json", "application/octet-stream")


@router.post("/admin/audit/compare")
def compare(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Hold a checkpoint against the histories."""
    try:
        data, name = uploaded(form, checkpoints.MAX_BYTES)
        found = checkpoints.compare(app, by(visit, viewer), data, name)
    except Invalid as error:
        return _page(app, visit, error=said_of(error, visit), status=422)
    return _page(app, visit, compared=found)


def _page(
    app: Countersign,
    visit: Visit,
    *,
    verified: auditing.Verified | None = None,
    compared: Compared | None = None,
    done: int = 0,
    error: str = "",
    status: int = 200,
) -> Response:
    return visit.page(
        "admin_verify.html",
        status=status,
        verified=verified,
        compared=compared,
        done=done,
        public_key=checkpoints.public_key(app.settings),
        error=error,
    )
