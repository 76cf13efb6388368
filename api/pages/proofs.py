"""Proofs: sent and followed for a case; and the page where the person who got one says whether it fits."""

import re

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, tried
from api.visit import Visit
from engine.errors import NotFound
from engine.service import proofs
from engine.service.app import Countersign
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("cases.read")])
MOST_TYPED = 1000


@router.get("/cases/{case_id}/proofs")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, sent: str = "") -> Response:
    """The proofs of a case, and the form that sends some."""
    return _case(app, visit, viewer, case_id, sent=sent if sent.isdecimal() and len(sent) < 4 else "")


@router.post("/cases/{case_id}/proofs", dependencies=[for_page("proofs.send")])
def send(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Send every text of the message to the accounts that were typed."""
    typed, count = text(form, "to")[:MOST_TYPED], 0

    def act() -> None:
        nonlocal count
        count = proofs.send(app, by(visit, viewer, form), case_id, re.split(r"[\s,，、;；]+", typed))

    def page(error: str, status: int) -> Response:
        return _case(app, visit, viewer, case_id, error=error, status=status, typed=typed)

    return tried(visit, act, page) or visit.go(f"/cases/{case_id}/proofs", sent=str(count))


@router.get("/proofs/{name}")
def one(app: App, visit: CurrentVisit, viewer: CurrentViewer, name: str) -> Response:
    """A proof, for the person who got it."""
    return visit.page("proof.html", proof=proofs.one(app, viewer, name), error="", typed="")


@router.post("/proofs/{name}", dependencies=[for_page("cases.act")])
def answer(app: App, visit: CurrentVisit, viewer: CurrentViewer, name: str, form: Posted) -> Response:
    """Say whether it fits, and why not."""
    because = text(form, "because")

    def act() -> None:
        proofs.answer(app, by(visit, viewer, form), name, fits=text(form, "answer") == "fits", because=because)

    def page(error: str, status: int) -> Response:
        shown = proofs.one(app, viewer, name)
        return visit.page("proof.html", status=status, proof=shown, error=error, typed=because)

    return tried(visit, act, page) or visit.go(f"/proofs/{name}")


def _case(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    case_id: str,
    *,
    sent: str = "",
    error: str = "",
    status: int = 200,
    typed: str | None = None,
) -> Response:
    view = proofs.of_case(app, viewer, case_id)
    if view is None:
        raise NotFound()
    to = " ".join(view.named) if typed is None else typed
    return visit.page("proofs.html", status=status, case_id=case_id, proofs=view, error=error, sent=sent, typed=to)
