"""Sign in with the operator's OpenID Connect provider.

Going there is a link, not a form: a form's address may not lead off this host (form-action 'self'). What the browser
must bring back stands in a cookie, encrypted, for ten minutes.
"""

from urllib.parse import quote

from fastapi import APIRouter, Response

from api.auth import PROVIDER, local_path
from api.declared import for_anybody
from api.deps import App, CurrentVisit
from api.errors import sentence, sign_in_form
from api.pages.steps import onward
from api.visit import Visit
from engine.errors import CountersignError, Refused, Unavailable
from engine.service import people, providers

router = APIRouter(dependencies=[for_anybody("before there is a session")])
MINUTES = 10


@router.get("/sign-in/provider")
def begin(app: App, visit: CurrentVisit, next: str = "/inbox") -> Response:
    """On to the provider; who is signed in already is asked again there, to prove that it is still them."""
    back = local_path(next)
    try:
        begun = providers.begin(app, back=back, again=visit.viewer is not None)
    except (Refused, Unavailable) as error:
        return _failed(visit, back, error)
    answer = visit.go(begun.url)
    visit.cookies.write(answer, PROVIDER, begun.sealed, seconds=MINUTES * 60)
    return answer


@router.get("/sign-in/provider/back")
def back(app: App, visit: CurrentVisit) -> Response:
    """The provider sent the browser back: open a session for whom it names."""
    given = dict(visit.request.query_params)
    try:
        opened, goes_to = providers.finish(app, visit.cookies.read(visit.request, PROVIDER), given, visit.browser)
    except (Refused, Unavailable) as error:
        answer = _failed(visit, "/inbox", error)
    else:
        people.sign_out(app, visit.session)  # the browser's session before this one
        answer = onward(visit, opened, local_path(goes_to))
    visit.cookies.forget(answer, PROVIDER)
    return answer


def _failed(visit: Visit, goes_to: str, error: CountersignError) -> Response:
    filled = sign_in_form(visit, goes_to, error=sentence(error, visit.formats))
    return visit.page("sign_in.html", status=error.status, back=f"/sign-in?next={quote(goes_to)}", **filled)
