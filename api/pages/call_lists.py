"""The lead's view of call lists: how far each is, who calls whom, results of a call centre in, the list out."""

from collections.abc import Callable

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import NAMED, by, download, rows_of, tried, uploaded
from api.visit import Visit
from engine.delivery.calls import DISPOSITIONS
from engine.errors import InvalidFile
from engine.service import call_files, call_lists, sheets
from engine.service.app import Countersign
from engine.service.call_files import CallsReport
from engine.service.call_lists import CallFile
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("calls.lead")])


@router.get("/calls/lists")
def listed(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """The lists that the viewer leads."""
    return visit.page("call_lists.html", lists=call_lists.listed(app, by(visit, viewer)))


@router.get("/calls/lists/{case_id}")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, moved: str = "") -> Response:
    """One list; `moved` says how many calls were assigned or taken back last."""
    return _page(app, visit, viewer, case_id, moved=moved if moved.isdecimal() and len(moved) < 8 else "")


@router.post("/calls/lists/{case_id}/assign")
def assign(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Assign calls to a caller, or divide them among all."""
    acting, person, count = by(visit, viewer, form), text(form, "person"), text(form, "count")

    def act() -> int:
        if text(form, "how") == "evenly":
            return call_lists.share_out(app, acting, case_id)
        number = int(count) if count.isdecimal() and len(count) < 8 else 0
        return call_lists.assign(app, acting, case_id, person=person, count=number)

    return _moved(app, visit, viewer, case_id, act)


@router.post("/calls/lists/{case_id}/take-back")
def take_back(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Take a caller's open calls, for another or for whoever takes them."""
    acting, person, to = by(visit, viewer, form), text(form, "person"), text(form, "to")
    return _moved(app, visit, viewer, case_id, lambda: call_lists.take_back(app, acting, case_id, person=person, to=to))


@router.post("/calls/lists/{case_id}/results")
def load(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Take in the results of a call centre; good rows count, the others are named."""
    try:
        data, name = uploaded(form)
        report = call_files.load(app, by(visit, viewer, form), data, name)
    except InvalidFile as error:
        return _page(app, visit, viewer, case_id, status=422, wrong=rows_of(visit, error.problems))
    return _page(app, visit, viewer, case_id, report=report)


@router.post("/calls/lists/{case_id}/export")
def export(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """The list as a file; with a reason the numbers of one caller's customers stand in it."""
    made: list[CallFile] = []

    def act() -> None:
        person, reason = text(form, "person"), text(form, "reason")
        made.append(call_lists.export(app, by(visit, viewer), case_id, person=person, reason=reason))

    refused = tried(visit, act, lambda error, status: _page(app, visit, viewer, case_id, error=error, status=status))
    if refused is not None:
        return refused
    response = download(made[0].data, made[0].name, sheets.MEDIA["csv"])
    response.headers["cache-control"] = "no-store"
    response.headers["x-sha256"] = made[0].sha256
    return response


def _moved(app: Countersign, visit: Visit, viewer: Viewer, case_id: str, act: Callable[[], int]) -> Response:
    moved: list[int] = []
    refused = tried(
        visit,
        lambda: moved.append(act()),
        lambda error, status: _page(app, visit, viewer, case_id, error=error, status=status),
    )
    return refused or visit.go(f"/calls/lists/{case_id}", moved=str(moved[0]))


def _page(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    case_id: str,
    *,
    status: int = 200,
    error: str = "",
    moved: str = "",
    report: CallsReport | None = None,
    wrong: list[tuple[int, int, str]] | None = None,
) -> Response:
    told = (*report.bad, *report.parked)[:NAMED] if report else ()
    rows = rows_of(visit, tuple(one.problem for one in told))
    return visit.page(
        "call_list.html",
        status=status,
        list=call_lists.view(app, by(visit, viewer), case_id),
        error=error,
        moved=moved,
        report=report,
        left_out=[(one.line, one.column, said[2]) for one, said in zip(told, rows, strict=True)],
        wrong=wrong or [],
        dispositions=DISPOSITIONS,
    )
