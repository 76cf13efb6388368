"""Offices and people from a file: looked at first, then confirmed; and as files to take away."""

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, download, rows_of, uploaded
from engine.errors import InvalidFile
from engine.service import importing, sheets
from engine.service.importing import Kind
from engine.service.sheets import Format

router = APIRouter(dependencies=[for_page("organisation.manage")])


@router.get("/admin/import")
def show(visit: CurrentVisit, done: str = "") -> Response:
    """Where a file is chosen; `done` says how many changes the last one made."""
    told = done if done.isdecimal() and len(done) < 10 else ""
    return visit.page("admin_import.html", preview=None, wrong=[], more=0, done=told)


@router.post("/admin/import")
def look(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """What the file would change. Nothing is changed yet."""
    try:
        data, name = uploaded(form)
        preview = importing.look(app, by(visit, viewer, form), data, name)
    except InvalidFile as error:
        wrong = rows_of(visit, error.problems)
        return visit.page("admin_import.html", status=422, preview=None, wrong=wrong, more=0, done="")
    problems = preview.plan.problems
    wrong, more = rows_of(visit, problems), max(len(problems) - 50, 0)
    status = 422 if problems else 200
    return visit.page("admin_import.html", status=status, preview=preview, wrong=wrong, more=more, done="")


@router.post("/admin/import/confirm")
def confirm(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Carry out what was shown; shown again where the organisation changed meanwhile."""
    preview = importing.confirm(app, by(visit, viewer, form), text(form, "upload"), text(form, "seen"))
    if preview.upload or preview.plan.problems:
        wrong = rows_of(visit, preview.plan.problems)
        return visit.page("admin_import.html", status=409, preview=preview, wrong=wrong, more=0, done="")
    return visit.go(f"/admin/import?done={len(preview.plan.added) + len(preview.plan.changed)}")


@router.get("/admin/export/{kind}.{form}")
def export(app: App, visit: CurrentVisit, viewer: CurrentViewer, kind: Kind, form: Format) -> Response:
    """All offices or all people as a file that can be imported again."""
    return download(importing.export(app, by(visit, viewer), kind, form), f"{kind}.{form}", sheets.MEDIA[form])
