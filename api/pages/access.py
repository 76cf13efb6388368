"""Who reads confidential cases: named by their submitters, looked up by auditors; and links made void."""

from collections.abc import Callable

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.errors import sentence
from api.visit import Visit
from engine.errors import Invalid, NotFound
from engine.service import access, cases, links
from engine.service.authorizing import allowed
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("cases.act")])
audit = APIRouter(dependencies=[for_page("audit.read")])


@router.post("/cases/{case_id}/readers")
def name_reader(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Let a person read the case."""
    person = text(form, "person")
    return _act(visit, viewer, case_id, lambda: access.name_reader(app, viewer, case_id, person))


@router.post("/cases/{case_id}/readers/remove")
def remove_reader(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Take it back."""
    person = text(form, "person")
    return _act(visit, viewer, case_id, lambda: access.remove_reader(app, viewer, case_id, person))


@router.post("/cases/{case_id}/embargo")
def set_embargo(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Until when the office does not see the case; empty lifts it."""
    day = text(form, "until")
    return _act(visit, viewer, case_id, lambda: access.set_embargo(app, viewer, case_id, day))


@audit.get("/access")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """Who looked at confidential cases, and whose links were refused to whom."""
    return _record(visit, viewer)


@audit.post("/access/links", dependencies=[for_page("organisation.manage")])
def void_links(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Make every link void that was mailed to a person."""
    person = text(form, "person")
    try:
        count = links.void(app, viewer, person)
    except NotFound:
        told = visit.formats.words("Nobody has the account “%(name)s”.", name=person)
        return _record(visit, viewer, error=told, person=person)
    told = visit.formats.words.plural(
        "%(number)s link is void now.", "%(number)s links are void now.", count, number=visit.formats.number(count)
    )
    return _record(visit, viewer, notice=told)


def _record(visit: Visit, viewer: Viewer, *, error: str = "", notice: str = "", person: str = "") -> Response:
    return visit.page(
        "access.html",
        status=422 if error else 200,
        back="/access",
        record=access.record(visit.app),
        may_void=allowed(viewer, "organisation.manage"),
        error=error,
        notice=notice,
        person=person,
    )


def _act(visit: Visit, viewer: Viewer, case_id: str, act: Callable[[], None]) -> Response:
    """Do it and show the case again; a refusal stands on the same page, with what was typed lost to nobody else."""
    try:
        act()
    except Invalid as error:
        view = cases.case_page(visit.app, viewer, case_id)
        said = sentence(error, visit.formats)
        return visit.page("case.html", status=error.status, case=view, tab="proposal", error=said, notice="")
    return visit.go(f"/cases/{case_id}#access")
