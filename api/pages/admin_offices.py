"""Offices as a tree and one by one; working groups and their members."""

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, tried
from api.visit import Visit
from engine.organisation import Office
from engine.service import offices, personnel, staff
from engine.service.app import Countersign
from engine.service.views import Viewer
from engine.values import Bilingual

router = APIRouter(dependencies=[for_page("organisation.manage")])
FIELDS = ("code", "name", "name_en", "level", "parent")


@router.get("/admin/offices")
def listed(app: App, visit: CurrentVisit, viewer: CurrentViewer, q: str = "") -> Response:
    """The offices at the top, or those that the search finds."""
    rows = staff.offices(app, by(visit, viewer), q[:80].strip())
    return visit.page("admin_offices.html", rows=rows, query=q[:80].strip())


@router.get("/admin/offices/new")
def new(visit: CurrentVisit, parent: str = "") -> Response:
    """The form for a new office."""
    typed = dict.fromkeys(FIELDS, "") | {"parent": parent[:12]}
    return visit.page("admin_office_new.html", typed=typed, error="")


@router.post("/admin/offices")
def add(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Add an office and go to it."""
    typed = {name: text(form, name) for name in FIELDS}

    def page(error: str, status: int) -> Response:
        return visit.page("admin_office_new.html", status=status, typed=typed, error=error)

    office = _office(typed)
    refused = tried(visit, lambda: offices.put(app, office, is_new=True, by=by(visit, viewer, form)), page)
    return refused or visit.go(f"/admin/offices/{office.code}")


@router.get("/admin/offices/{code}")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, code: str) -> Response:
    """One office."""
    return _one(app, visit, viewer, code)


@router.post("/admin/offices/{code}")
def change(app: App, visit: CurrentVisit, viewer: CurrentViewer, code: str, form: Posted) -> Response:
    """Change its name, level or superior."""
    typed = {name: text(form, name) for name in FIELDS} | {"code": code}
    staff.office(app, by(visit, viewer), code)

    def page(error: str, status: int) -> Response:
        return _one(app, visit, viewer, code, error=error, status=status, typed=typed)

    refused = tried(visit, lambda: offices.put(app, _office(typed), is_new=False, by=by(visit, viewer, form)), page)
    return refused or visit.go(f"/admin/offices/{code}")


@router.get("/admin/groups")
def groups(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """All working groups and committees."""
    rows = offices.groups(app, by(visit, viewer))
    typed = dict.fromkeys(("role", "office", "zh", "en"), "")
    return visit.page("admin_groups.html", rows=rows, typed=typed, error="")


@router.post("/admin/groups")
def add_group(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Name a group, or change its name, and go to it."""
    typed = {name: text(form, name) for name in ("role", "office", "zh", "en")}
    name = Bilingual(zh=typed["zh"], en=typed["en"])

    def page(error: str, status: int) -> Response:
        rows = offices.groups(app, by(visit, viewer))
        return visit.page("admin_groups.html", status=status, rows=rows, typed=typed, error=error)

    refused = tried(
        visit,
        lambda: offices.put_group(
            app, role=typed["role"], office=typed["office"], name=name, by=by(visit, viewer, form)
        ),
        page,
    )
    return refused or visit.go(f"/admin/groups/{typed['office']}/{typed['role']}")


@router.get("/admin/groups/{office}/{role}")
def group(app: App, visit: CurrentVisit, viewer: CurrentViewer, office: str, role: str) -> Response:
    """One group with its members."""
    return _group(app, visit, viewer, office, role)


@router.post("/admin/groups/{office}/{role}/members")
def add_member(
    *, app: App, visit: CurrentVisit, viewer: CurrentViewer, office: str, role: str, form: Posted
) -> Response:
    """Take somebody in, or give a member another weight."""
    typed = {name: text(form, name) for name in ("person", "weight")}
    offices.group(app, by(visit, viewer), role, office)
    weight = int(typed["weight"]) if typed["weight"].isdecimal() and len(typed["weight"]) < 9 else 0

    def page(error: str, status: int) -> Response:
        return _group(app, visit, viewer, office, role, error=error, status=status, typed=typed)

    refused = tried(
        visit,
        lambda: personnel.give_role(app, typed["person"], role, office, weight=weight, by=by(visit, viewer, form)),
        page,
    )
    return refused or visit.go(f"/admin/groups/{office}/{role}")


@router.post("/admin/groups/{office}/{role}/dissolve")
def dissolve(*, app: App, visit: CurrentVisit, viewer: CurrentViewer, office: str, role: str, form: Posted) -> Response:
    """Take the name away; the members keep the role."""
    offices.drop_group(app, role=role, office=office, by=by(visit, viewer, form))
    return visit.go("/admin/groups")


def _office(typed: dict[str, str]) -> Office:
    level = typed["level"]
    return Office(typed["code"], typed["name"], level, typed["name_en"], typed["parent"] or None)  # type: ignore[arg-type]  # checked by offices.put


def _one(  # noqa: PLR0917
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    code: str,
    error: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
) -> Response:
    view = staff.office(app, by(visit, viewer), code)
    office = view.office
    shown = {"name": office.zh, "name_en": office.en, "level": office.level, "parent": office.parent or ""}
    return visit.page("admin_office.html", status=status, view=view, typed=typed or shown, error=error)


def _group(  # noqa: PLR0917
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    office: str,
    role: str,
    error: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
) -> Response:
    view = offices.group(app, by(visit, viewer), role, office)
    kept = typed or {"person": "", "weight": "1"}
    return visit.page("admin_group.html", status=status, group=view, typed=kept, error=error)
