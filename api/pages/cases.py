"""The case page with its tabs, and what its submitter does after the approval."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from starlette.datastructures import FormData, UploadFile

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import sentence
from api.exporting import exported
from api.formats import Formats
from api.i18n import N_
from api.pages.admin import by, tried
from api.pages.hall import proof_of
from api.pages.paper import file_name
from api.vega import evaluation as vega
from api.vega.answering import AskedDrawing, Drawing
from api.visit import Visit
from engine.errors import Invalid, InvalidFile, NotFound, Problem, Refused, SelectionFailed, Unavailable
from engine.service import (
    answering,
    cases,
    closing,
    completing,
    evaluation_table,
    evidencing,
    interventions,
    proofs,
    proposals,
    responses,
    returning,
    stages,
)
from engine.service.closed import Said
from engine.service.confirmations import Proof
from engine.service.responses import ImportReport
from engine.service.stage_views import EvaluationView
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("cases.read")])
NAMED = 20  # bad rows that the page names; the API names all
Tab = Literal["proposal", "customers", "delivery", "evaluation", "history"]


@router.get("/cases/{case_id}")
def show(
    *,
    app: App,
    visit: CurrentVisit,
    viewer: CurrentViewer,
    case_id: str,
    tab: Tab = "proposal",
    order: Annotated[str, Query(max_length=4000)] = "",
    drawing: Drawing,
    label: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    """Where the case is, and one of its tabs; `order` is another one of the exclusions, by commas. As a file: its
    evaluations, or a chart of the one with this `label`."""
    if drawing.draws:
        number, found = cases.evaluations(app, viewer, case_id)
        of = next((one for one in reversed(found) if label in ("", one.label) and tab == "evaluation"), None)
        return _drawn(visit, number, of, drawing)
    view = cases.case_page(app, viewer, case_id, tuple(order.split(",")))
    if drawing.takes and tab == "evaluation":
        return exported(evaluation_table.table(app, viewer, view), drawing.takes, visit.language)
    returned = returning.of_case(app, viewer, case_id) if tab == "delivery" else None
    tried = proofs.of_case(app, viewer, case_id) if tab == "delivery" else None
    completed = completing.of_case(app, viewer, case_id) if tab in ("delivery", "evaluation") else None
    return visit.page(
        "case.html", case=view, tab=tab, error="", notice="", returned=returned, proofs=tried, completed=completed
    )


@router.post("/cases/{case_id}/replies")
def read_replies(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """The submitter has read the replies."""
    form_key(form, viewer)
    returning.mark_read(app, viewer, case_id)
    return visit.go(f"/cases/{case_id}?tab=delivery#returned")


@router.post("/cases/{case_id}/why")
def why(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Why one customer is in or out. A form, so that no customer's number stands in an address."""
    typed, answer, error, status = text(form, "customer"), None, "", 200
    try:
        answer = answering.explain_customer(app, by(visit, viewer, form), case_id, typed)
    except (Invalid, Refused, Unavailable, SelectionFailed) as refused:
        error, status = sentence(refused, visit.formats), min(refused.status, 503)
    back = answering.shown_at(app, viewer, case_id)
    return visit.page(
        "why.html", status=status, why=answer, case_id=case_id, typed=typed if error else "", error=error, back=back
    )


@router.post("/cases/{case_id}/select")
def select(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Have a selection that failed tried again, or one made anew whose list is stale."""
    key = form_key(form, viewer)
    return _act(visit, viewer, case_id, "customers", lambda: stages.select_again(app, viewer, case_id, key=key))


@router.post("/cases/{case_id}/start")
def start(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Send to the number of customers that the button named."""
    recipients, key = text(form, "recipients"), form_key(form, viewer)
    if not recipients.isdecimal():
        raise Invalid([Problem("recipients", N_("Confirm the number of customers."), at="recipients")])
    start_ = partial(stages.start_delivery, app, viewer, case_id, int(recipients), key=key, reason=text(form, "reason"))
    return _act(visit, viewer, case_id, "delivery", start_)


@router.post("/cases/{case_id}/pause")
def pause(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Hold all waves."""
    reason, key = text(form, "reason"), form_key(form, viewer)
    return _act(visit, viewer, case_id, "delivery", lambda: stages.hold(app, viewer, case_id, "pause", reason, key=key))


@router.post("/cases/{case_id}/resume")
def resume(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Go on with all waves, with a reason where the next one's list is stale."""
    resume_ = partial(stages.hold, app, viewer, case_id, "resume", text(form, "reason"), key=form_key(form, viewer))
    return _act(visit, viewer, case_id, "delivery", resume_)


@router.post("/cases/{case_id}/release")
def release(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Open the gate before its time."""
    key = form_key(form, viewer)
    return _act(visit, viewer, case_id, "delivery", lambda: stages.release_gate(app, viewer, case_id, key=key))


@router.post("/cases/{case_id}/text")
def choose_text(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Choose the text that a test would have found, with the reason."""
    named = {name: text(form, name) for name in ("wave", "variant", "reason")}
    choose_ = partial(stages.choose_text, app, viewer, case_id, **named, key=form_key(form, viewer))
    return _act(visit, viewer, case_id, "delivery", choose_)


@router.post("/cases/{case_id}/close")
def close(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Close a case out that was not evaluated; the others have a page of their own for it."""
    said, key = Said(lessons=text(form, "lessons")), form_key(form, viewer)
    return _act(visit, viewer, case_id, "evaluation", lambda: closing.close(app, viewer, case_id, said, key=key))


@router.post("/cases/{case_id}/withdraw")
def withdraw(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Take the case back for good."""
    reason, key = text(form, "reason"), form_key(form, viewer)
    return _act(visit, viewer, case_id, "history", partial(proposals.withdraw, app, viewer, case_id, reason, key=key))


@router.post("/cases/{case_id}/recall")
def recall(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Take the case back to change it and submit it once more."""
    reason, key = text(form, "reason"), form_key(form, viewer)
    act = partial(proposals.withdraw, app, viewer, case_id, reason, key=key, again=True)
    return _act(visit, viewer, case_id, "proposal", act)


@router.post("/cases/{case_id}/convert")
def convert(visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Make a filing a case for approval, as a superior."""
    return _intervene(visit, viewer, case_id, "convert", form)


@router.post("/cases/{case_id}/urge")
def urge(visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Tell those whom it waits for once more."""
    return _intervene(visit, viewer, case_id, "urge", form)


@router.post("/cases/{case_id}/void")
def void(visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """The case is void although it was approved."""
    return _intervene(visit, viewer, case_id, "void", form)


@router.post("/cases/{case_id}/wake")
def wake(visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Take a withdrawn case up again."""
    return _intervene(visit, viewer, case_id, "wake", form)


@router.post("/cases/{case_id}/responses")
def import_responses(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Import a CSV file of responses; the page says how many rows came in and names each that did not."""
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise InvalidFile([Problem("file", N_("Choose a CSV file first."), at="file")])
    report = responses.import_responses(app, viewer, case_id, file.file.read())
    notice, refused = told(report, visit.formats)
    view = cases.case_page(app, viewer, case_id)
    return visit.page("case.html", case=view, tab="evaluation", error=refused, notice=notice)


@router.post("/cases/{case_id}/evidence")
def confirm(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Write down how a customer confirmed what they had accepted in a hall; for the submitter."""
    proof = proof_of(form)
    told = Proof(proof["confirmed_by"], proof["evidence"], proof["value"])

    def refused(error: str, status: int) -> Response:
        view = cases.case_page(app, viewer, case_id)
        returned = returning.of_case(app, viewer, case_id)
        tried_out = proofs.of_case(app, viewer, case_id)
        return visit.page(
            "case.html", status=status, case=view, tab="delivery", error=error, notice="", returned=returned,
            proofs=tried_out, proof=proof,
        )  # fmt: skip

    done = tried(
        visit, lambda: evidencing.confirm_of(app, by(visit, viewer, form), case_id, proof["id"], told), refused
    )
    return done or visit.go(f"/cases/{case_id}?tab=delivery#unproved")


def _drawn(visit: Visit, number: str, of: EvaluationView | None, drawing: AskedDrawing) -> Response:
    drawings = vega.drawings(of, visit.formats, number) if of else ()
    picture = next((one.picture for one in drawings if one.key == drawing.chart), None)
    if of is None or picture is None:
        raise NotFound()
    return drawing.answer(picture, file_name(f"{number}-evaluation-{of.label}-{drawing.chart}"))


def told(report: ImportReport, formats: Formats) -> tuple[str, str]:
    """What came in, and which rows did not; the second is empty where all did."""
    number, plural = formats.number, formats.words.plural
    parts = [plural("%(number)s row read", "%(number)s rows read", report.rows, number=number(report.rows))]
    if report.recorded or report.known:
        parts.append(formats.words("%(number)s new responses", number=number(report.recorded)))
    if report.known:
        parts.append(formats.words("%(number)s known already", number=number(report.known)))
    if report.outcomes:
        parts.append(formats.words("%(number)s measured outcomes", number=number(report.outcomes)))
    if report.unconfirmed:
        parts.append(unconfirmed(report.unconfirmed, formats))
    if not report.bad:
        return formats.words(", ").join(parts), ""
    refused = plural(
        "%(number)s row was left out:",
        "%(number)s rows were left out:",
        len(report.bad),
        number=number(len(report.bad)),
    )
    named = formats.words("; ").join(str(row) for row in report.bad[:NAMED])
    return formats.words(", ").join(parts), f"{refused} {named}"


def unconfirmed(lines: Sequence[int], formats: Formats) -> str:
    """Which conversions are kept without counting, and how they come to count."""
    named = formats.words(", ").join(map(formats.number, lines[:NAMED]))
    more = f"{named} …" if len(lines) > NAMED else named
    return formats.words.plural(
        "%(number)s conversion is kept without counting, because its line (%(lines)s) does not say how the customer"
        " confirmed it; import it again with the columns how, confirmed_at and confirmation",
        "%(number)s conversions are kept without counting, because their lines (%(lines)s) do not say how the customer"
        " confirmed them; import them again with the columns how, confirmed_at and confirmation",
        len(lines),
        number=formats.number(len(lines)),
        lines=more,
    )


def _intervene(visit: Visit, viewer: Viewer, case_id: str, operation: str, form: FormData) -> Response:
    why, key = text(form, "reason"), form_key(form, viewer)
    act = partial(interventions.intervene, visit.app, viewer, case_id, operation, reason=why, key=key)
    return _act(visit, viewer, case_id, "history", act)


def _act(visit: Visit, viewer: Viewer, case_id: str, tab: Tab, act: Callable[[], None]) -> Response:
    """Do it and go to the tab where it shows; a refusal stands on the same page, with its status."""
    try:
        act()
    except (Refused, Invalid, Unavailable) as error:
        view = cases.case_page(visit.app, viewer, case_id)
        said = sentence(error, visit.formats)
        return visit.page("case.html", status=error.status, case=view, tab=tab, error=said, notice="")
    return visit.go(f"/cases/{case_id}?tab={tab}")
