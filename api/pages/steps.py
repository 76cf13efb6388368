"""What is asked after the password, one page each: a code, a password of one's own, a second factor. And proving again
that it is still you (`/confirm`), before what weighs more."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from api.auth import SESSION, local_path
from api.declared import for_anybody, for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.errors import problem_sentence, sentence
from api.qr import qr_code
from api.visit import Visit
from engine.errors import InvalidForm, Refused, SignInNeeded
from engine.service import providers, sessions, signing_in
from engine.service.sessions import SignedIn

router = APIRouter()
BETWEEN = for_anybody("between the password and the session")


def onward(visit: Visit, opened: SignedIn, back: str) -> Response:
    """Carry the session, and go where its person was going, or on to what is still asked."""
    answer = visit.go(f"/sign-in/step?next={quote(back)}" if opened.stage else back)
    visit.cookies.sign_in(answer, opened)
    return answer


def problems_of(error: InvalidForm, visit: Visit) -> dict[str, str]:
    """What is wrong with each field, in words."""
    return {problem.at: problem_sentence(problem, visit.formats) for problem in error.problems}


@router.get("/sign-in/step", dependencies=[BETWEEN])
def show(app: App, visit: CurrentVisit, next: str = "/inbox") -> Response:
    """The page of what is asked next; who is signed in goes on, who is not begins again."""
    return _page(visit, local_path(next))


@router.post("/sign-in/code", dependencies=[BETWEEN])
def code(app: App, visit: CurrentVisit, form: Posted) -> Response:
    """Go on with a code of the app, or for recovery."""
    back = local_path(text(form, "next"))
    try:
        return onward(visit, signing_in.give_code(app, visit.session, text(form, "code"), visit.browser), back)
    except SignInNeeded:
        return visit.go(f"/sign-in?next={quote(back)}")
    except Refused as error:
        return _page(visit, back, status=error.status, error=sentence(error, visit.formats))


@router.post("/sign-in/password", dependencies=[BETWEEN])
def password(app: App, visit: CurrentVisit, form: Posted) -> Response:
    """Go on with a password of one's own."""
    back, new, again = local_path(text(form, "next")), str(form.get("new", "")), str(form.get("again", ""))
    try:
        opened = signing_in.choose_password(app, visit.session, new=new, again=again, browser=visit.browser)
        return onward(visit, opened, back)
    except SignInNeeded:
        return visit.go(f"/sign-in?next={quote(back)}")
    except InvalidForm as error:
        return _page(visit, back, status=422, problems=problems_of(error, visit))


@router.post("/sign-in/second-factor", dependencies=[BETWEEN])
def second_factor(app: App, visit: CurrentVisit, form: Posted) -> Response:
    """Go on with a second factor that was set up; its recovery codes are shown once."""
    back, sealed = local_path(text(form, "next")), text(form, "sealed")
    try:
        opened, codes = signing_in.enrol(app, visit.session, sealed, text(form, "code"), visit.browser)
    except SignInNeeded:
        return visit.go(f"/sign-in?next={quote(back)}")
    except Refused as error:
        return _page(visit, back, status=error.status, sealed=sealed, error=sentence(error, visit.formats))
    answer = visit.page("recovery_codes.html", back=back, codes=codes, onward=back)
    visit.cookies.sign_in(answer, opened)
    return answer


@router.get("/confirm", dependencies=[for_page("account.keep")])
def ask(app: App, visit: CurrentVisit, viewer: CurrentViewer, next: str = "/inbox") -> Response:
    """Ask for password and code again; the page comes from what needs it."""
    asks_code = signing_in.asks_code(app, viewer)
    return _confirm_page(visit, local_path(next), asks_code=asks_code)


@router.post("/confirm", dependencies=[for_page("account.keep")])
def confirm(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """It is still them: the session goes on under a new token, and so do they."""
    back, typed = local_path(text(form, "next")), str(form.get("password", ""))
    try:
        token = signing_in.confirm(app, viewer, visit.session, password=typed, code=text(form, "code"))
    except Refused as error:
        asks_code, said = signing_in.asks_code(app, viewer), sentence(error, visit.formats)
        return _confirm_page(visit, back, asks_code=asks_code, status=error.status, error=said)
    answer = visit.go(back)
    visit.cookies.write(answer, SESSION, token)
    return answer


def _confirm_page(visit: Visit, back: str, *, asks_code: bool, status: int = 200, error: str = "") -> Response:
    again, provider = f"/confirm?next={quote(back)}", providers.name(visit.app)
    filled: dict[str, Any] = {"next": back, "asks_code": asks_code, "provider": provider, "error": error}
    return visit.page("confirm.html", status=status, back=again, **filled)


def _page(visit: Visit, back: str, *, status: int = 200, sealed: str = "", **more: Any) -> Response:
    if visit.viewer:
        return visit.go(back)
    try:
        at = sessions.staged(visit.app, visit.session)
    except SignInNeeded:
        return visit.go(f"/sign-in?next={quote(back)}")
    values: dict[str, Any] = {"error": "", "problems": {}, "next": back, "person": at}
    values |= {"back": f"/sign-in/step?next={quote(back)}"} | more
    if at.stage == "password":
        return visit.page("first_password.html", status=status, **values)
    if at.stage == "enrol":
        setup = signing_in.factor_to_set_up(visit.app, visit.session, sealed)
        return visit.page("first_factor.html", status=status, setup=setup, qr=qr_code(setup.uri), **values)
    return visit.page("code.html", status=status, **values)
