"""Sign in, sign out, choose the language."""

from urllib.parse import quote

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from api.auth import LANGUAGE, local_path
from api.declared import for_anybody
from api.deps import App, CurrentVisit, Posted, text
from api.errors import sentence, sign_in_form
from api.pages.steps import onward
from api.visit import LANGUAGES
from engine.errors import Refused
from engine.service import people

router = APIRouter(dependencies=[for_anybody("before there is a session")])
YEAR = 365 * 86_400


@router.get("/")
def home(visit: CurrentVisit) -> Response:
    """The inbox is home."""
    return visit.go("/inbox")


@router.get("/sign-in")
def show(visit: CurrentVisit, next: str = "/inbox") -> Response:
    """The form; who is signed in already goes on."""
    if visit.viewer:
        return visit.go(local_path(next))
    return visit.page("sign_in.html", **sign_in_form(visit, local_path(next)))


@router.post("/sign-in")
def sign_in(app: App, visit: CurrentVisit, form: Posted) -> Response:
    """Open a session and go where the visitor was going, or on to what is still asked."""
    login, back = text(form, "login"), local_path(text(form, "next"))
    browser = visit.browser
    try:
        opened = people.sign_in(
            app,
            login,
            str(form.get("password", "")),
            address=browser.address,
            device=browser.device,
            browser=browser.name,
            language=browser.language,
        )
    except Refused as error:
        filled = sign_in_form(visit, back, login=login, error=sentence(error, visit.formats))
        return visit.page("sign_in.html", status=error.status, back=f"/sign-in?next={quote(back)}", **filled)
    people.sign_out(app, visit.session)  # the browser's session before this one
    return onward(visit, opened, back)


@router.post("/sign-out")
def sign_out(app: App, visit: CurrentVisit, form: Posted) -> RedirectResponse:
    """End the session."""
    people.sign_out(app, visit.session)
    answer = visit.go("/sign-in")
    visit.cookies.sign_out(answer)
    return answer


@router.post("/language")
def language(app: App, visit: CurrentVisit, form: Posted) -> RedirectResponse:
    """Show pages in the other language from now on; a person's choice also holds for their mail."""
    chosen = next((known for known in LANGUAGES if known == text(form, "language")), visit.language)
    if visit.viewer:
        people.set_language(app, visit.viewer, chosen)
    answer = visit.go(local_path(text(form, "next")))
    visit.cookies.write(answer, LANGUAGE, chosen, seconds=YEAR)
    return answer
