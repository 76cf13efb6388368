"""The list of cases, the case page with its tabs, and what its submitter does after the approval."""

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Response
from starlette.datastructures import UploadFile

from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import problem_sentence, sentence
from api.i18n import N_
from api.visit import Visit
from engine.errors import CountersignError, Invalid, InvalidFile, Problem, Refused, Unavailable
from engine.service import cases, proposals, responses, stages
from engine.service.app import Countersign
from engine.service.views import Viewer

router = APIRouter()
Tab = Literal["proposal", "customers", "delivery", "evaluation", "history"]


@router.get("/cases")
def listed(app: App, visit: CurrentVisit, viewer: CurrentViewer, q: str = "", state: str = "") -> Response:
    """The cases that the viewer may see; the search is in the address."""
    rows = cases.listed(app, viewer, q[:100], state[:20])
    return visit.page("cases.html", rows=rows, query=q[:100], state=state)


@router.get("/cases/{case_id}")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, tab: Tab = "proposal") -> Response:
    """Where the case is, and one of its tabs."""
    return visit.page("case.html", case=cases.case_page(app, viewer, case_id), tab=tab, error="", notice="")


@router.post("/cases/{case_id}/start")
def start(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Send to the number of customers that the button named."""
    recipients, key = text(form, "recipients"), form_key(form, viewer)
    if not recipients.isdecimal():
        raise Invalid([Problem("recipients", N_("Confirm the number of customers."), at="recipients")])
    count = int(recipients)
    return _act(app, visit, viewer, case_id, "delivery",
                lambda: stages.start_delivery(app, viewer, case_id, count, key=key))  # fmt: skip


@router.post("/cases/{case_id}/pause")
def pause(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Hold all waves."""
    reason, key = text(form, "reason"), form_key(form, viewer)
    return _act(app, visit, viewer, case_id, "delivery",
                lambda: stages.hold(app, viewer, case_id, "pause", reason, key=key))  # fmt: skip


@router.post("/cases/{case_id}/resume")
def resume(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Go on with all waves."""
    key = form_key(form, viewer)
    return _act(app, visit, viewer, case_id, "delivery",
                lambda: stages.hold(app, viewer, case_id, "resume", "", key=key))  # fmt: skip


@router.post("/cases/{case_id}/release")
def release(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Open the gate before its time."""
    key = form_key(form, viewer)
    return _act(app, visit, viewer, case_id, "delivery", lambda: stages.release_gate(app, viewer, case_id, key=key))


@router.post("/cases/{case_id}/close")
def close(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Sign the report and close the case out."""
    lessons, key = text(form, "lessons"), form_key(form, viewer)
    return _act(app, visit, viewer, case_id, "evaluation",
                lambda: stages.close(app, viewer, case_id, lessons, key=key))  # fmt: skip


@router.post("/cases/{case_id}/withdraw")
def withdraw(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Take the case back for good."""
    reason, key = text(form, "reason"), form_key(form, viewer)
    return _act(app, visit, viewer, case_id, "history",
                lambda: proposals.withdraw(app, viewer, case_id, reason, key=key))  # fmt: skip


@router.post("/cases/{case_id}/responses")
def import_responses(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Import a CSV file of responses; the page says how many rows came in and names each that did not."""
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise InvalidFile([Problem("file", N_("Choose a CSV file first."), at="file")])
    report = responses.import_responses(app, viewer, case_id, file.file.read(), file.filename)
    formats = visit.formats
    notice = formats.words.plural(
        "%(number)s row was imported.", "%(number)s rows were imported.", report.added,
        number=formats.number(report.added),
    )  # fmt: skip
    refused = [f"{problem.line}: {problem_sentence(problem, formats)}" for problem in report.problems[:20]]
    error = ""
    if refused:
        error = formats.words.plural(
            "%(number)s row was refused:", "%(number)s rows were refused:", len(report.problems),
            number=formats.number(len(report.problems)),
        ) + " " + formats.words("; ").join(refused)  # fmt: skip
    view = cases.case_page(app, viewer, case_id)
    return visit.page("case.html", case=view, tab="evaluation", error=error, notice=notice)


def _act(
    app: Countersign, visit: Visit, viewer: Viewer, case_id: str, tab: Tab, act: Callable[[], None]
) -> Response:
    """Do it and show the tab where it shows; a refusal stands on the same page."""
    try:
        act()
    except (Refused, Invalid, Unavailable) as error:
        return refused(app, visit, viewer, case_id, tab, error)
    return visit.go(f"/cases/{case_id}?tab={tab}")


def refused(
    app: Countersign, visit: Visit, viewer: Viewer, case_id: str, tab: Tab, error: CountersignError
) -> Response:
    """The case page with the reason why nothing was done."""
    view = cases.case_page(app, viewer, case_id)
    return visit.page(
        "case.html", status=error.status, case=view, tab=tab, error=sentence(error, visit.formats), notice=""
    )
