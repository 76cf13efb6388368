"""Set a second factor up, switch it off, make new recovery codes: each after proving that it is still you."""

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.errors import sentence
from api.pages.account import RECENT
from api.qr import qr_code
from api.visit import Visit
from engine.errors import Refused
from engine.service import second_factor, sessions
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("account.keep")])
HERE = "/account/second-factor"


@router.get(HERE)
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """The QR code and the form for its first code."""
    return _page(visit, viewer) if _is_proved(visit) else visit.go(f"/confirm?next={HERE}")


@router.post(HERE)
def switch_on(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Ask for codes from now on; the recovery codes are shown once."""
    if not _is_proved(visit):
        return visit.go(f"/confirm?next={HERE}")
    sealed = text(form, "sealed")
    try:
        codes = second_factor.switch_on(app, viewer, sealed, text(form, "code"))
    except Refused as error:
        return _page(visit, viewer, sealed=sealed, status=error.status, error=sentence(error, visit.formats))
    return visit.page("recovery_codes.html", back="/account", codes=codes, onward="/account")


@router.post(HERE + "/off")
def switch_off(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Ask for no codes any more."""
    if not _is_proved(visit):
        return visit.go("/confirm?next=/account")
    second_factor.switch_off(app, viewer)
    return visit.go("/account?done=off")


@router.post(HERE + "/codes")
def renew_codes(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """New recovery codes, shown once; the old ones count no more."""
    if not _is_proved(visit):
        return visit.go("/confirm?next=/account")
    codes = second_factor.renew_codes(app, viewer)
    return visit.page("recovery_codes.html", back="/account", codes=codes, onward="/account")


def _is_proved(visit: Visit) -> bool:
    return sessions.recently_authenticated(visit.app, visit.session, minutes=RECENT)


def _page(visit: Visit, viewer: Viewer, *, sealed: str = "", status: int = 200, error: str = "") -> Response:
    setup = second_factor.prepare(visit.app, viewer.person, sealed)
    is_on = second_factor.of(visit.app, viewer).is_on
    return visit.page(
        "second_factor.html", status=status, back=HERE, setup=setup, qr=qr_code(setup.uri), is_on=is_on, error=error
    )
