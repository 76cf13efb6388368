"""Suppression lists: look a customer up, put them on a list, take them off, import a file; complaints as a file."""

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, rows_of, tried, uploaded
from api.visit import Visit
from engine.errors import InvalidFile
from engine.service import complaining, suppressing
from engine.service.app import Countersign
from engine.service.complaining import Imported
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("suppressions.manage")])
FIELDS = ("list", "customer", "reason", "channel", "last")


@router.get("/admin/suppressions")
def show(
    *,
    app: App,
    visit: CurrentVisit,
    viewer: CurrentViewer,
    customer: str = "",
    done: str = "",
    applied: str = "",
    repeated: str = "",
    parked: str = "",
) -> Response:
    """What is known of one customer; the whole list is shown to nobody."""
    counts = [int(one) for one in (applied, repeated, parked) if one.isdecimal() and len(one) < 10]
    return _page(
        app,
        visit,
        viewer,
        customer=customer[:60].strip(),
        done=done if done.isdecimal() and len(done) < 10 else "",
        taken=Imported(*counts) if len(counts) == 3 else None,
    )


@router.post("/admin/suppressions")
def add(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Put a customer on a list."""
    typed = {name: text(form, name) for name in FIELDS}

    def act() -> None:
        suppressing.add(
            app,
            by(visit, viewer, form),
            kind=typed["list"],
            customer=typed["customer"],
            reason=typed["reason"],
            channel=typed["channel"],
            last=typed["last"],
        )

    def page(error: str, status: int) -> Response:
        return _page(app, visit, viewer, error=error, status=status, typed=typed)

    return tried(visit, act, page) or visit.go("/admin/suppressions", customer=typed["customer"])


@router.post("/admin/suppressions/end")
def end(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Take a customer off a list, with a reason."""
    typed = {name: text(form, name) for name in FIELDS}

    def act() -> None:
        suppressing.end(
            app,
            by(visit, viewer, form),
            kind=typed["list"],
            customer=typed["customer"],
            channel=typed["channel"],
            reason=typed["reason"],
        )

    def page(error: str, status: int) -> Response:
        return _page(app, visit, viewer, customer=typed["customer"], error=error, status=status)

    return tried(visit, act, page) or visit.go("/admin/suppressions", customer=typed["customer"])


@router.post("/admin/suppressions/import")
def load(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Put the customers of a file on lists; one wrong row and none is."""
    try:
        data, name = uploaded(form)
        count = suppressing.load(app, by(visit, viewer, form), data, name)
    except InvalidFile as error:
        return _page(app, visit, viewer, status=422, wrong=rows_of(visit, error.problems))
    return visit.go(f"/admin/suppressions?done={count}")


@router.post("/admin/suppressions/complaints")
def load_complaints(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Take complaints in from a file; one wrong row and none is. The same file again changes nothing."""
    try:
        data, name = uploaded(form)
        taken = complaining.load(app, by(visit, viewer, form), data, name)
    except InvalidFile as error:
        return _page(app, visit, viewer, status=422, wrong=rows_of(visit, error.problems))
    counts = {"applied": str(taken.applied), "repeated": str(taken.repeated), "parked": str(taken.parked)}
    return visit.go("/admin/suppressions", **counts)


def _page(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    *,
    customer: str = "",
    error: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
    wrong: list[tuple[int, int, str]] | None = None,
    done: str = "",
    taken: Imported | None = None,
) -> Response:
    acting = by(visit, viewer)
    return visit.page(
        "admin_suppressions.html",
        status=status,
        counts=suppressing.counts(app, acting),
        found=suppressing.look_up(app, acting, customer) if customer else None,
        typed=typed or dict.fromkeys(FIELDS, "") | {"customer": customer},
        error=error,
        wrong=wrong or [],
        done=done,
        taken=taken,
    )
