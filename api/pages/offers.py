"""Offers and tariffs: the list, one offer with its versions, a form for another version, files in and out."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, download, rows_of, tried, uploaded
from api.visit import Visit
from engine.errors import InvalidFile
from engine.offers.terms import FIELDS
from engine.service import offer_files, offers, rehearsals, sheets, using
from engine.service.app import Countersign
from engine.service.authorizing import allowed
from engine.service.sheets import Format
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("offers.read")])
Word = Annotated[str, Query(max_length=100)]


@router.get("/offers")
def listed(
    *, app: App, visit: CurrentVisit, viewer: CurrentViewer, q: Word = "", state: Word = "", done: Word = ""
) -> Response:
    """The offers that have the words, in one state where it is named."""
    return _list(app, visit, viewer, q=q, state=state, done=done)


@router.post("/offers/import", dependencies=[for_page("offers.manage")])
def load(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Propose what a file says; one wrong row and nothing is."""
    try:
        data, name = uploaded(form)
        made = offer_files.load(app, by(visit, viewer, form), data, name)
    except InvalidFile as error:
        return _list(app, visit, viewer, status=422, wrong=rows_of(visit, error.problems))
    return visit.go("/offers", done=f"{made.proposed}-{made.unchanged}")


@router.get("/offers/export/{form}")
def export(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Format) -> Response:
    """The newest versions as a file that can be imported again."""
    return download(offer_files.export(app, by(visit, viewer), form), f"offers.{form}", sheets.MEDIA[form])


@router.get("/new-offer", dependencies=[for_page("offers.manage")])
def new(visit: CurrentVisit) -> Response:
    """The form of an offer that is not there yet."""
    return _form(visit, typed=dict.fromkeys(FIELDS, "") | {"kind": "tariff"}, code="", seen="0", is_new=True)


@router.post("/new-offer", dependencies=[for_page("offers.manage")])
def add(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Propose its first version."""
    return _propose(app, visit, viewer, form, code=text(form, "code"), is_new=True)


@router.get("/offers/{code}")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, code: str) -> Response:
    """One offer: terms, versions, rehearsals, the cases that use it."""
    return _offer(app, visit, viewer, code)


@router.get("/offers/{code}/edit", dependencies=[for_page("offers.manage")])
def edit(app: App, visit: CurrentVisit, viewer: CurrentViewer, code: str) -> Response:
    """The form of the next version, filled with the newest one."""
    page = offers.show(app, by(visit, viewer), code)
    return _form(visit, typed=dict(page.versions[0].terms), code=code, seen=str(page.newest), is_new=False)


@router.post("/offers/{code}/edit", dependencies=[for_page("offers.manage")])
def change(app: App, visit: CurrentVisit, viewer: CurrentViewer, code: str, form: Posted) -> Response:
    """Propose the next version."""
    return _propose(app, visit, viewer, form, code=code, is_new=False)


@router.post("/offers/{code}/versions/{version}", dependencies=[for_page("offers.manage")])
def decide(*, app: App, visit: CurrentVisit, viewer: CurrentViewer, code: str, version: int, form: Posted) -> Response:
    """Publish a version or refuse it."""
    publish = text(form, "decision") == "publish"
    page = partial(_offer, app, visit, viewer, code)
    return tried(
        visit,
        lambda: offers.decide(app, by(visit, viewer, form), code, version, publish=publish),
        lambda error, status: page(error=error, status=status),
    ) or visit.go(f"/offers/{code}")


@router.post("/offers/{code}/versions/{version}/withdraw", dependencies=[for_page("offers.manage")])
def withdraw(
    *, app: App, visit: CurrentVisit, viewer: CurrentViewer, code: str, version: int, form: Posted
) -> Response:
    """Withdraw what is in force."""
    reason = text(form, "reason")
    page = partial(_offer, app, visit, viewer, code, reason=reason)
    return tried(
        visit,
        lambda: offers.withdraw(app, by(visit, viewer, form), code, version, reason=reason),
        lambda error, status: page(error=error, status=status),
    ) or visit.go(f"/offers/{code}")


def _propose(app: Countersign, visit: Visit, viewer: Viewer, form: Posted, *, code: str, is_new: bool) -> Response:
    typed = {name: text(form, name) for name in FIELDS}
    seen = text(form, "seen")
    number = int(seen) if seen.isdecimal() and len(seen) < 9 else 0

    def page(error: str, status: int) -> Response:
        return _form(visit, typed=typed, code=code, seen=seen, is_new=is_new, error=error, status=status)

    acting = by(visit, viewer, form)
    return tried(visit, lambda: offers.propose(app, acting, code, typed, seen=number), page) or visit.go(
        f"/offers/{code}"
    )


def _form(
    visit: Visit, *, typed: dict[str, str], code: str, seen: str, is_new: bool, error: str = "", status: int = 200
) -> Response:
    return visit.page("offer_form.html", status=status, typed=typed, code=code, seen=seen, is_new=is_new, error=error)


def _offer(
    app: Countersign, visit: Visit, viewer: Viewer, code: str, *, error: str = "", status: int = 200, reason: str = ""
) -> Response:
    acting = by(visit, viewer)
    return visit.page(
        "offer.html",
        status=status,
        page=offers.show(app, acting, code),
        rehearsals=rehearsals.of_offer(app, acting, code),
        may_rehearse=allowed(viewer, "rehearsals.run"),
        cases=using.cases_of(app, viewer, code),
        error=error,
        reason=reason,
    )


def _list(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    *,
    q: str = "",
    state: str = "",
    done: str = "",
    wrong: list[tuple[int, int, str]] | None = None,
    status: int = 200,
) -> Response:
    proposed, _, unchanged = done.partition("-")
    is_told = proposed.isdecimal() and unchanged.isdecimal() and len(done) < 15
    return visit.page(
        "offers.html",
        status=status,
        rows=offers.listed(app, by(visit, viewer), q, state),
        q=q,
        state=state,
        done=(int(proposed), int(unchanged)) if is_told else None,
        wrong=wrong or [],
        may_manage=allowed(viewer, "offers.manage"),
    )
