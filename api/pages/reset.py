"""A link for somebody who forgot their password. Looking at it changes nothing; choosing a password uses it up."""

from fastapi import APIRouter, Response

from api.declared import for_anybody
from api.deps import App, CurrentVisit, Posted
from api.errors import sentence, sign_in_form
from api.pages.steps import problems_of
from api.visit import Visit
from engine.errors import InvalidForm, NotFound, TooManyTries
from engine.service import passwords

router = APIRouter(dependencies=[for_anybody("for somebody who forgot their password")])


@router.get("/reset/{token}")
def show(app: App, visit: CurrentVisit, token: str) -> Response:
    """The form for a new password, or that the link does not work any more."""
    try:
        person = passwords.reset_for(app, token, visit.address)
    except NotFound:
        return visit.page("reset_over.html", status=404, back="/sign-in")
    except TooManyTries as error:
        return visit.page("reset_over.html", status=error.status, back="/sign-in", error=sentence(error, visit.formats))
    return visit.page("reset.html", token=token, person=person, problems={}, error="")


@router.post("/reset/{token}")
def reset(app: App, visit: CurrentVisit, token: str, form: Posted) -> Response:
    """The new password counts from now on; all sessions of its person end."""
    new, again = str(form.get("new", "")), str(form.get("again", ""))
    try:
        login = passwords.reset(app, token, new=new, again=again, address=visit.address)
    except InvalidForm as error:
        person = passwords.reset_for(app, token)
        problems = problems_of(error, visit)
        return visit.page("reset.html", status=422, token=token, person=person, problems=problems, error="")
    except TooManyTries as error:
        return visit.page("reset_over.html", status=error.status, back="/sign-in", error=sentence(error, visit.formats))
    except NotFound:
        return visit.page("reset_over.html", status=404, back="/sign-in")
    return _done(visit, login)


def _done(visit: Visit, login: str) -> Response:
    said = visit.words("Your new password counts from now on. Sign in with it.")
    visit.viewer = None  # whoever was signed in here may have been signed out by this
    answer = visit.page("sign_in.html", back="/sign-in", **sign_in_form(visit, "/inbox", login=login, said=said))
    visit.cookies.sign_out(answer)
    return answer
