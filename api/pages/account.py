"""My account: password, second factor, where somebody is signed in, remembered devices, API tokens."""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from api.browsers import browser_name
from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import sentence
from api.pages.steps import problems_of
from api.visit import Visit
from engine.errors import InvalidForm, Refused
from engine.service import passwords, second_factor, sessions, tokens
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("account.keep")])
RECENT = 15  # minutes for which who they are counts as proved, before what gives others a way in


@router.get("/account")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """The account as its person sees it."""
    return _page(visit, viewer)


@router.get("/account/password")
def ask_password(visit: CurrentVisit) -> Response:
    """The form for another password."""
    return visit.page("password.html", problems={}, error="")


@router.post("/account/password")
def change_password(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Change it; the other sessions end."""
    key, (old, new, again) = form_key(form, viewer), (str(form.get(name, "")) for name in ("old", "new", "again"))
    try:
        passwords.change(app, viewer, visit.session, old=old, new=new, again=again, key=key)
    except InvalidForm as error:
        return visit.page("password.html", status=422, problems=problems_of(error, visit), error="")
    except Refused as error:
        said = sentence(error, visit.formats)
        return visit.page("password.html", status=error.status, problems={}, error=said)
    return visit.go("/account?done=password")


@router.post("/account/sessions/end")
def end_session(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> RedirectResponse:
    """End one session; one's own leads to the sign-in page."""
    sessions.end(app, viewer, text(form, "id"))
    return visit.go("/account?done=ended")


@router.post("/account/sessions/end-others")
def end_others(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> RedirectResponse:
    """End all sessions but this one."""
    sessions.end_others(app, viewer, visit.session)
    return visit.go("/account?done=others")


@router.post("/account/devices/forget")
def forget_device(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> RedirectResponse:
    """Forget a device; links on it ask for the password again."""
    sessions.forget_device(app, viewer, text(form, "id"))
    return visit.go("/account?done=forgotten")


@router.get("/account/tokens/new")
def ask_token(app: App, visit: CurrentVisit) -> Response:
    """The form for an API token, after proving that it is still them."""
    if not sessions.recently_authenticated(app, visit.session, minutes=RECENT):
        return visit.go("/confirm?next=/account/tokens/new")
    return _token_page(visit)


@router.post("/account/tokens/new")
def make_token(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Make a token and show it, this once."""
    name, days, key = text(form, "name"), text(form, "days"), form_key(form, viewer)
    scopes = [value for value in form.getlist("scopes") if isinstance(value, str)]
    typed = {"name": name, "scopes": scopes, "days": days}
    if not sessions.recently_authenticated(app, visit.session, minutes=RECENT):
        return visit.go("/confirm?next=/account/tokens/new")
    try:
        lasting = int(days) if days.isdecimal() and len(days) < 9 else 0
        made = tokens.make(app, viewer, name=name, scopes=scopes, days=lasting, key=key)
    except InvalidForm as error:
        return _token_page(visit, status=422, problems=problems_of(error, visit), **typed)
    return visit.page("token_made.html", back="/account", token=made, name=name, header="Authorization: Bearer …")


@router.post("/account/tokens/revoke")
def revoke_token(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> RedirectResponse:
    """The token works no more."""
    tokens.revoke(app, viewer, text(form, "id"))
    return visit.go("/account?done=revoked")


def _page(visit: Visit, viewer: Viewer) -> Response:
    app = visit.app
    return visit.page(
        "account.html",
        done=visit.request.query_params.get("done", ""),
        factor=second_factor.of(app, viewer),
        places=sessions.places(app, viewer, visit.session),
        tokens=tokens.listed(app, viewer),
        browser=lambda described: browser_name(described, visit.words),
    )


def _token_page(visit: Visit, *, status: int = 200, **typed: Any) -> Response:
    filled = {"name": "", "scopes": ["read"], "days": "90", "problems": {}} | typed
    return visit.page("token.html", status=status, all_scopes=tokens.SCOPES, all_days=tokens.DAYS, **filled)
