"""People: the list, one person, their roles and account, with what a change would move before it is made."""

from typing import Literal, get_args

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.pages.account import RECENT
from api.pages.admin import by, said_of, tried
from api.visit import Visit
from engine.errors import Invalid, NotFound, Refused
from engine.organisation import Grant
from engine.service import handing, passwords, personnel, reorganising, second_factor, sessions, staff
from engine.service.app import Countersign
from engine.service.foreseeing import Foresight
from engine.service.operations import Door
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("organisation.manage")])
handing_over = APIRouter(dependencies=[for_page("tasks.hand_over")])
Do = Literal["give", "take", "close", "open", "reset", "factor", "sign_out"]
PROVED: tuple[Do, ...] = ("reset", "factor")  # what lets somebody in asks first whether it is still the administrator


@router.get("/admin/people")
def listed(
    *,
    app: App,
    visit: CurrentVisit,
    viewer: CurrentViewer,
    q: str = "",
    office: str = "",
    role: str = "",
    closed: str = "",
    after: str = "",
) -> Response:
    """50 people at a time; the search is in the address."""
    wanted = staff.wanted(q[:80].strip(), office[:12].strip(), role[:40], bool(closed))
    found = staff.people(app, by(visit, viewer), wanted, after[:40])
    return visit.page("admin_people.html", people=found, wanted=wanted, after=after)


@router.get("/admin/people/new")
def new(visit: CurrentVisit) -> Response:
    """The form for a new person."""
    return visit.page("admin_person_new.html", typed=dict.fromkeys(("id", "name", "email", "language"), ""), error="")


@router.post("/admin/people")
def add(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Add a person and go to them; their roles are given there."""
    typed = {name: text(form, name) for name in ("id", "name", "email", "language")}
    member = personnel.as_member(typed["id"], typed["name"], typed["email"], typed["language"])

    def page(error: str, status: int) -> Response:
        return visit.page("admin_person_new.html", status=status, typed=typed, error=error)

    refused = tried(visit, lambda: personnel.add_person(app, member, by=by(visit, viewer, form)), page)
    return refused or visit.go(f"/admin/people/{member.person.id}")


@router.get("/admin/people/{account}")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, account: str) -> Response:
    """One person with all that hangs on them."""
    return _person(app, visit, viewer, account)


@router.post("/admin/people/{account}")
def change(app: App, visit: CurrentVisit, viewer: CurrentViewer, account: str, form: Posted) -> Response:
    """Change name, mail, language, and whose other account it is."""
    typed = {name: text(form, name) for name in ("name", "email", "language", "same_as")}
    member = personnel.as_member(account, typed["name"], typed["email"], typed["language"], typed["same_as"])
    staff.person(app, by(visit, viewer), account)

    def page(error: str, status: int) -> Response:
        return _person(app, visit, viewer, account, error=error, status=status, typed=typed)

    refused = tried(visit, lambda: personnel.change_person(app, member, by=by(visit, viewer, form)), page)
    return refused or visit.go(f"/admin/people/{account}")


@router.get("/admin/people/{account}/change")
def ask(
    *,
    app: App,
    visit: CurrentVisit,
    viewer: CurrentViewer,
    account: str,
    do: Do,
    role: str = "",
    office: str = "",
    weight: str = "1",
) -> Response:
    """What the change would move, with the button that makes it; for an office that is not clear yet, the choice."""
    if refused := _unproved(visit, account, do):
        return refused
    return _asked(app, visit, viewer, account, do, {"role": role, "office": office, "weight": weight, "reason": ""})


@router.post("/admin/people/{account}/change")
def confirm(app: App, visit: CurrentVisit, viewer: CurrentViewer, account: str, form: Posted) -> Response:
    """Make the change; the cases that waited for the person follow at once, others with the next look. A link for a
    new password is shown this once."""
    typed = {name: text(form, name) for name in ("role", "office", "weight", "reason")}
    do: Do = next((one for one in get_args(Do) if one == text(form, "do")), "open")
    view = staff.person(app, by(visit, viewer), account)
    if refused := _unproved(visit, account, do):
        return refused
    if do == "reset" and view.is_open:
        made = passwords.reset_link(app, by(visit, viewer, form), account, reason=typed["reason"][:200])
        return visit.page("admin_link.html", person=view, link=passwords.address_of(app, made), until=made.expires_at)

    def page(error: str, status: int) -> Response:
        return _asked(app, visit, viewer, account, do, typed, error=error, status=status)

    refused = tried(visit, lambda: _do(app, visit, viewer, account, do, typed, form), page)
    if refused is None:
        reorganising.resolve_some(app, [task.case.id for task in view.tasks])
    return refused or visit.go(f"/admin/people/{account}")


@handing_over.get("/admin/hand-over")
def hand_over(
    *, app: App, visit: CurrentVisit, viewer: CurrentViewer, leaver: str = "", to: str = "", reason: str = ""
) -> Response:
    """Who leaves and who takes over; with both, what moves and what stays."""
    typed = {"leaver": leaver[:40].strip(), "to": to[:40].strip(), "reason": reason[:200].strip()}
    if not (typed["leaver"] and typed["to"]):
        return _handing(visit, typed)
    try:
        remark = typed["reason"] or "-"  # asked for with the button that hands over
        seen = handing.preview(app, by(visit, viewer), typed["leaver"], typed["to"], remark=remark)
    except Invalid as error:
        return _handing(visit, typed, error=said_of(error, visit), status=error.status)
    return _handing(visit, typed, foresight=seen)


@handing_over.post("/admin/hand-over")
def hand_over_now(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Hand over, and say case by case what became of it."""
    typed = {name: text(form, name) for name in ("leaver", "to", "reason")}
    door = Door(viewer, form_key(form, viewer))
    try:
        handled = handing.hand_over(
            app, door, typed["leaver"], typed["to"], remark=typed["reason"], address=visit.address
        )
    except (Invalid, Refused) as error:
        return _handing(visit, typed, error=said_of(error, visit), status=error.status)
    return _handing(visit, typed, handled=handled)


def _handing(
    visit: Visit,
    typed: dict[str, str],
    *,
    foresight: Foresight | None = None,
    handled: tuple[handing.Handled, ...] | None = None,
    error: str = "",
    status: int = 200,
) -> Response:
    return visit.page(
        "admin_hand_over.html",
        status=status,
        typed=typed,
        foresight=foresight,
        handled=handled,
        told=lambda why: said_of(why, visit),
        error=error,
    )


def _person(  # noqa: PLR0917
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    account: str,
    error: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
) -> Response:
    view = staff.person(app, by(visit, viewer), account)
    kept = typed or {"name": view.name, "email": view.email, "language": view.language, "same_as": view.same_as}
    return visit.page("admin_person.html", status=status, person=view, typed=kept, error=error)


def _asked(  # noqa: PLR0917
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    account: str,
    do: Do,
    typed: dict[str, str],
    *,
    error: str = "",
    status: int = 200,
) -> Response:
    acting = by(visit, viewer)
    view = staff.person(app, acting, account)
    offices = staff.matching_offices(app, acting, typed["office"]) if do in ("give", "take") else ()
    clear = len(offices) == 1 and typed["office"] in (offices[0].code, offices[0].zh, offices[0].en)
    foresight = None
    if not error and (do not in ("give", "take") or clear):
        foresight = _foreseen(app, visit, viewer, account, do, typed | ({"office": offices[0].code} if clear else {}))
    return visit.page(
        "admin_change.html",
        status=status,
        person=view,
        do=do,
        typed=typed | ({"office": offices[0].code} if clear else {}),
        offices=offices,
        clear=clear,
        foresight=foresight,
        told=lambda why: said_of(why, visit),
        error=error,
    )


def _foreseen(  # noqa: PLR0917
    app: Countersign, visit: Visit, viewer: Viewer, account: str, do: Do, typed: dict[str, str]
) -> Foresight:
    acting = by(visit, viewer)
    match do:
        case "give":
            return staff.if_role_given(app, acting, Grant(account, typed["role"], typed["office"]))
        case "take":
            return staff.if_role_taken(app, acting, account, typed["role"], typed["office"])
        case "close":
            return staff.if_closed(app, acting, account)
        case _:
            return Foresight()


def _do(  # noqa: PLR0917
    app: Countersign, visit: Visit, viewer: Viewer, account: str, do: Do, typed: dict[str, str], form: Posted
) -> None:
    acting, reason = by(visit, viewer, form), typed["reason"][:200]
    weight = int(typed["weight"]) if typed["weight"].isdecimal() and len(typed["weight"]) < 9 else 0
    match do:
        case "give":
            personnel.give_role(app, account, typed["role"], typed["office"], weight=weight, by=acting)
        case "take":
            personnel.take_role(app, account, typed["role"], typed["office"], by=acting, reason=reason)
        case "close":
            personnel.close_account(app, account, by=acting, reason=reason)
        case "open":
            personnel.open_account(app, account, by=acting, reason=reason)
        case "factor":
            second_factor.remove(app, acting, account, reason=reason)
        case "sign_out":
            sessions.end_all(app, acting, account, reason=reason)
        case "reset":
            raise NotFound()  # a closed account: nobody signs in with it


def _unproved(visit: Visit, account: str, do: Do) -> Response | None:
    """On to the page that asks who they are, before a change that lets somebody in."""
    if do not in PROVED or sessions.recently_authenticated(visit.app, visit.session, minutes=RECENT):
        return None
    return visit.go("/confirm", next=f"/admin/people/{account}/change?do={do}")
