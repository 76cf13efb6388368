"""How a case is closed out: the report to read, to sign and to print; and the case library."""

from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import sentence
from api.formats import Formats
from api.pages.admin import by
from api.pages.paper import file_name
from api.verdicts import metric_of, sentence_of
from api.visit import Visit
from api.words_closing import FEEDBACK
from engine.errors import CountersignError, Invalid, Refused
from engine.service import case_library, closing, feedback
from engine.service.case_library import NAMES
from engine.service.closed import Said
from engine.service.closing import LESSONS
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("cases.read")])


@router.get("/cases/{case_id}/closing")
def show(visit: CurrentVisit, viewer: CurrentViewer, case_id: str) -> Response:
    """The report as it was frozen; before, for the submitter, as it would be signed now, with the form for it."""
    return _page(visit, viewer, case_id, {})


@router.post("/cases/{case_id}/closing", dependencies=[for_page("cases.act")])
def sign(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Sign the report that was read and close the case. What is missing, and a report that changed, stand on the page
    with everything that was typed."""
    typed = {name: text(form, name) for name in LESSONS}
    try:
        said = Said(**typed, report=text(form, "report"))
        closing.close(app, viewer, case_id, said, key=form_key(form, viewer))
    except (Refused, Invalid) as error:
        return _page(visit, viewer, case_id, typed, error)
    return visit.go(f"/cases/{case_id}/closing")


@router.post("/cases/{case_id}/closing/groups", dependencies=[for_page("groups.write")])
def make_group(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Make a customer group of those with an outcome, and go there."""
    outcome, acting = text(form, "outcome"), by(visit, viewer, form)
    title = visit.formats.words(FEEDBACK[outcome]) if outcome in FEEDBACK else ""
    try:
        made = feedback.make_group(app, acting, case_id, outcome, title=title)
    except (Refused, Invalid) as error:
        return _page(visit, viewer, case_id, {}, error)
    return visit.go(f"/groups/{made.name}")


@router.get("/cases/{case_id}/closing.pdf")
def as_pdf(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str) -> Response:
    """The same as a file, named after the case number."""
    from api.closing_paper import pdf  # noqa: PLC0415  # ReportLab takes long to load, and few ask for the file

    view = closing.view(app, viewer, case_id)
    headers = {"content-disposition": f'attachment; filename="{file_name(view.row.number or case_id)}-closing.pdf"'}
    made = pdf(view, visit.formats, made_for=viewer.name, made_at=app.now())
    return Response(made, media_type="application/pdf", headers=headers)


@router.get("/library")
def library(app: App, visit: CurrentVisit, viewer: CurrentViewer, request: Request, page: str = "") -> Response:
    """Closed cases to learn from; what narrows the list stands in the address."""
    filters = {name: request.query_params.get(name, "")[:100] for name in NAMES}
    number = int(page) if page.isdecimal() and len(page) < 5 else 1
    try:
        found, error, status = case_library.page(app, viewer, filters, number=number), "", 200
    except Invalid as wrong:
        found = case_library.page(app, viewer, {})
        error, status = sentence(wrong, visit.formats), wrong.status
    spoken = _spoken(visit.formats)
    query = case_library.query_of(filters)
    return visit.page("library.html", status=status, page=found, filters=filters, query=query, error=error, **spoken)


def _page(
    visit: Visit, viewer: Viewer, case_id: str, typed: dict[str, str], error: CountersignError | None = None
) -> Response:
    view = closing.view(visit.app, viewer, case_id)
    problems = {one.at: one for one in error.problems} if isinstance(error, Invalid) else {}
    return visit.page(
        "closing.html",
        status=error.status if error else 200,
        closing=view,
        typed=typed,
        wrong=frozenset(problems),
        error=sentence(error, visit.formats) if error else "",
        most=closing.LONGEST,
        **_spoken(visit.formats),
    )


def _spoken(formats: Formats) -> dict[str, Any]:
    """What templates ask to put a report into words."""
    return {"verdict": partial(sentence_of, formats=formats), "metric": partial(metric_of, formats=formats)}
