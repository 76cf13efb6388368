"""A link from a notification. It locates a task; the session authorises; only a POST acts (DESIGN 9).

Looking at it changes nothing, however often a mail scanner does, and who only fetches ahead gets a page that tells
nothing. Unknown, expired and revoked links are one page, and so is a link that was forwarded: it opens for nobody but
the person it was mailed to. Where the definition lets the link decide by itself, its token moves into a cookie, and
the page of the decision has an address without it.
"""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from api.auth import DEVICE, LINK, VISITOR
from api.declared import for_anybody
from api.deps import BROKEN_FORM, KEY, App, CurrentVisit, Posted, text
from api.errors import sentence
from api.pages.sheet import facts_of
from api.pages.steps import onward
from api.visit import Visit
from engine.errors import CountersignError, Invalid, InvalidForm, NotFound, Refused, SignInNeeded
from engine.service import links, people
from engine.service.links import LinkTarget

router = APIRouter(dependencies=[for_anybody("the link locates; signing in comes next")])
AHEAD = ("purpose", "sec-purpose", "x-purpose", "x-moz")
HOUR = 3600


@router.get("/l/{token}")
def show(app: App, visit: CurrentVisit, token: str) -> Response:
    """On to the task with a session of its person; one button on their remembered device, or where the link decides
    by itself; else the sign-in form."""
    if _is_ahead(visit.request):
        return visit.page("waiting.html", token=token, has_forms=False)
    target = links.look(app, token, visit.address)
    if target.lets_in(visit.viewer):
        return visit.go(_sheet_of(target))
    if target.asks == "nothing":
        return visit.page("continue.html", token=token, is_direct=True)
    device = visit.cookies.read(visit.request, DEVICE)
    if target.asks == "device" and device and people.device_person(app, device) == target.person:
        return visit.page("continue.html", token=token, is_direct=False)
    return visit.page("link.html", token=token, takes_code=target.takes_code, login="", error="")


@router.post("/l/{token}")
def follow(app: App, visit: CurrentVisit, token: str, form: Posted) -> Response:
    """Open the session, by password or by the remembered device, and go on to the task."""
    login = text(form, "login")
    if not login and links.look(app, token, visit.address).asks == "nothing":
        answer = visit.go("/decide")
        visit.cookies.write(answer, LINK, token, seconds=HOUR)
        return answer
    password = str(form.get("password", ""))
    try:
        opened, target = links.sign_in(app, token, login, password, visit.browser)
    except (Refused, SignInNeeded) as error:
        message = sentence(error, visit.formats)
        values: dict[str, Any] = {"token": token, "login": login, "error": message}
        values["takes_code"] = _takes_code(visit, token)
        return visit.page("link.html", status=error.status, **values)
    return onward(visit, opened, _sheet_of(target))


@router.post("/l/{token}/code")
def ask_code(app: App, visit: CurrentVisit, token: str, form: Posted) -> Response:
    """Mail a one-time code to the link's person, and go where it is typed: the same for everybody."""
    try:
        links.ask_code(app, token, visit.visitor, visit.address)
    except SignInNeeded:
        return visit.go(f"/l/{token}")
    except Refused as error:
        return _code_page(visit, token, error=error)
    answer = visit.go(f"/l/{token}/code")
    visit.cookies.write(answer, VISITOR, visit.visitor)
    return answer


@router.get("/l/{token}/code")
def show_code(app: App, visit: CurrentVisit, token: str) -> Response:
    """Where the code is typed; back to the link where it takes none (any more)."""
    if _is_ahead(visit.request):
        return visit.page("waiting.html", token=token, has_forms=False)
    target = links.look(app, token, visit.address)
    if target.lets_in(visit.viewer) or not target.takes_code:
        return visit.go(f"/l/{token}")
    return _code_page(visit, token)


@router.post("/l/{token}/open")
def open_by_code(app: App, visit: CurrentVisit, token: str, form: Posted) -> Response:
    """Open the session by the code, and go on to the task."""
    try:
        opened, target = links.sign_in_by_code(app, token, text(form, "code")[:20], visit.visitor, visit.browser)
    except SignInNeeded:
        return visit.go(f"/l/{token}")
    except Refused as error:
        return _code_page(visit, token, error=error)
    return onward(visit, opened, _sheet_of(target))


def _takes_code(visit: Visit, token: str) -> bool:
    """As the link says; False for none, as who tries many of them is told no more."""
    try:
        return links.follow(visit.app, token).takes_code
    except NotFound:
        return False


def _code_page(visit: Visit, token: str, error: Refused | None = None) -> Response:
    said, status = (sentence(error, visit.formats), error.status) if error else ("", 200)
    return visit.page("link_code.html", status=status, back=f"/l/{token}/code", token=token, error=said)


@router.get("/decide")
def show_direct(app: App, visit: CurrentVisit) -> Response:
    """The sheet of a link that decides by itself, or once decided who decided what and when."""
    return _direct(visit)


@router.post("/decide")
def decide_directly(app: App, visit: CurrentVisit, form: Posted) -> Response:
    """Decide by the link alone."""
    seen, key, remark = text(form, "seen_seq"), text(form, "key"), text(form, "remark")
    if not KEY.fullmatch(key):
        raise InvalidForm([BROKEN_FORM])
    try:
        links.decide_directly(
            app,
            visit.cookies.read(visit.request, LINK),
            text(form, "decision"),
            remark=remark,
            seen_seq=int(seen) if seen.isdecimal() and len(seen) < 10 else None,
            key=key,
            address=visit.address,
        )
    except (Refused, Invalid) as error:
        return _direct(visit, error=error, remark=remark)
    return visit.go("/decide")


def _direct(visit: Visit, *, error: CountersignError | None = None, remark: str = "") -> Response:
    token = visit.cookies.read(visit.request, LINK)
    sheet, target = links.direct_sheet(visit.app, token, visit.address)
    return visit.page(
        "direct.html",
        status=error.status if error else 200,
        sheet=sheet,
        since=target.since,
        facts=facts_of(sheet.case, visit.formats),
        error=sentence(error, visit.formats) if error else "",
        remark=remark,
    )


def _is_ahead(request: Request) -> bool:
    """Whether somebody fetches the page before its reader asks for it."""
    said = " ".join(request.headers.get(name, "") for name in AHEAD).lower()
    return any(word in said for word in ("prefetch", "preview", "prerender"))


def _sheet_of(target: LinkTarget) -> str:
    since = "?" + urlencode({"since": target.since}) if target.since else ""
    return f"/tasks/{target.task_id}{since}"
