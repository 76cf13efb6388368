"""What somebody typed when their session had ended: shown after they signed in, to be sent by them."""

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit
from engine.service import kept_forms

router = APIRouter(dependencies=[for_page("account.keep")])
UNSHOWN = {"key", "action", "next"}  # of the page, not of its reader


@router.get("/resume/{token}")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, token: str) -> Response:
    """What the form holds, and the button that sends it. Looking changes nothing."""
    form = kept_forms.kept(app, viewer, token)
    typed = [value for name, value in form.fields if value and name not in UNSHOWN]
    return visit.page("resume.html", form=form, typed=typed)
