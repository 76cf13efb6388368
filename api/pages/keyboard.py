"""The keys that lead somewhere: which there are, and to turn them off, as those must be able to who speak to their
computer, or whose hand slips (WCAG 2.1.4)."""

from fastapi import APIRouter, Response

from api import navigation
from api.auth import KEYS
from api.declared import for_page
from api.deps import CurrentViewer, CurrentVisit, Posted, text
from api.i18n import N_

router = APIRouter(dependencies=[for_page("account.keep")])
YEAR = 365 * 86_400
LISTS = (
    ("j", N_("to the next one")),
    ("k", N_("to the one before")),
    ("Enter", N_("open it")),
    ("x", N_("choose it, or leave it out again")),
    ("/", N_("to the search field")),
)
SHEET = (
    ("r", N_("to the remark")),
    ("a", N_("to the button that agrees; Enter presses it")),
    ("n", N_("after the decision: the next task")),
)


@router.get("/keyboard")
def show(visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """The keys, of places that the viewer may go to."""
    menu = navigation.menu(navigation.MAIN + navigation.MORE, viewer)
    everywhere = [(one.keys, one.label) for one in menu if one.keys]
    groups = ((N_("Everywhere"), everywhere), (N_("In lists"), LISTS), (N_("On an approval sheet"), SHEET))
    return visit.page("keyboard.html", groups=groups)


@router.post("/keyboard")
def turn(visit: CurrentVisit, form: Posted) -> Response:
    """Turn the keys on or off in this browser; twice is once."""
    answer = visit.go("/keyboard")
    visit.cookies.write(answer, KEYS, "off" if text(form, "keys") == "off" else "on", seconds=YEAR)
    return answer
