"""A caller's desk: the next customer, masked; the number to dial once they ask for it; one tap for what came of it."""

from collections.abc import Callable

from fastapi import APIRouter, Response
from starlette.datastructures import FormData

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.i18n import N_
from api.pages.admin import by, tried
from api.visit import Visit
from engine.delivery.calls import ANSWERS, MISSED
from engine.errors import ChangedMeanwhile, NotFound
from engine.service import calling
from engine.service.app import Countersign
from engine.service.calling import Desk, Named, Number
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("calls.make")])
FIELDS = ("evidence", "call_back_at", "note", "value")
GONE = N_("This customer is no longer with you: the lead took them back, or a result came in. Nothing was recorded.")
BARRED = N_("This customer opted out meanwhile and is not called any more. Take the next one.")


@router.get("/calls")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, done: str = "") -> Response:
    """Whom the caller has before them; `done` is what was recorded last."""
    return _page(app, visit, viewer, done=done if done in (*ANSWERS, *MISSED, "wrong_number", "call_back") else "")


@router.post("/calls/next")
def take(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Take the next customer."""
    calling.take(app, by(visit, viewer, form))
    return visit.go("/calls")


@router.post("/calls/number")
def number(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """The number in full; that they saw it is recorded."""
    shown: list[Number] = []

    def act() -> None:
        shown.append(calling.show(app, by(visit, viewer), _named(form)))

    refused = _tried(app, visit, viewer, form, act)
    if refused is not None:
        return refused
    if not shown[0].number:
        return _page(app, visit, viewer, error=visit.formats.words(BARRED), status=409)
    return _page(app, visit, viewer, number=shown[0].number, desk=Desk(shown[0].call))


@router.post("/calls/result")
def record(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """What came of the call."""
    said = text(form, "disposition")

    def act() -> None:
        told = {name: text(form, name) for name in FIELDS}
        calling.record(app, by(visit, viewer), _named(form), disposition=said, **told)

    return _tried(app, visit, viewer, form, act) or visit.go("/calls", done=said)


@router.post("/calls/put-back")
def put_back(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Leave the customer to others."""

    def act() -> None:
        calling.put_back(app, by(visit, viewer), _named(form))

    return _tried(app, visit, viewer, form, act) or visit.go("/calls")


def _tried(app: Countersign, visit: Visit, viewer: Viewer, form: FormData, act: Callable[[], None]) -> Response | None:
    typed, gone = {name: text(form, name) for name in FIELDS}, False

    def acting() -> None:
        nonlocal gone
        try:
            act()
        except (ChangedMeanwhile, NotFound):
            gone = True

    refused = tried(
        visit, acting, lambda error, status: _page(app, visit, viewer, error=error, status=status, typed=typed)
    )
    return _page(app, visit, viewer, error=visit.formats.words(GONE), status=409) if gone else refused


def _named(form: FormData) -> Named:
    """The call as the page showed it."""
    row, version = text(form, "row"), text(form, "version")
    if not (row.isdecimal() and version.isdecimal() and len(row) < 10 and len(version) < 10):
        raise NotFound()
    return Named(text(form, "wave")[:48], int(row), int(version))


def _page(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    *,
    status: int = 200,
    error: str = "",
    done: str = "",
    number: str = "",
    desk: Desk | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    response = visit.page(
        "calls.html",
        status=status,
        desk=desk or calling.desk(app, by(visit, viewer)),
        error=error,
        done=done,
        number=number,
        typed=typed or dict.fromkeys(FIELDS, ""),
        answers=ANSWERS,
        missed=MISSED,
    )
    response.headers["cache-control"] = "no-store"
    return response
