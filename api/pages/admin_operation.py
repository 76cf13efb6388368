"""The operation: health of all parts, the outbox, sends in doubt, timers, what came back and belongs to nothing."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from api.declared import for_page
from api.deps import BROKEN_FORM, App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, tried
from engine.errors import InvalidForm
from engine.service import parking, restoring, watching
from engine.service.authorizing import allowed

router = APIRouter(dependencies=[for_page("operation.watch")])
ACTING = [for_page("operation.act")]
State = Literal["dead", "trying", "pending"]


@router.get("/admin/operation")
def health(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """The state of all parts."""
    return _health(app, visit, viewer)


@router.post("/admin/operation/release", dependencies=ACTING)
def release(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Let a database that was restored send again, with a reason."""
    acting, reason = by(visit, viewer, form), text(form, "reason")

    def page(error: str, status: int) -> Response:
        return _health(app, visit, viewer, error, status)

    return tried(visit, lambda: restoring.release(app, acting, reason), page) or visit.go("/admin/operation")


def _health(app: App, visit: CurrentVisit, viewer: CurrentViewer, error: str = "", status: int = 200) -> Response:
    return visit.page(
        "admin_health.html",
        status=status,
        health=watching.health(app, by(visit, viewer)),
        may_channels=allowed(viewer, "channels.manage"),
        may_act=allowed(viewer, "operation.act"),
        error=error,
    )


@router.get("/admin/outbox")
def outbox(app: App, visit: CurrentVisit, viewer: CurrentViewer, state: State = "dead", after: str = "") -> Response:
    """Effects that were given up, that fail, or that wait."""
    found = watching.outbox(app, by(visit, viewer), state, after[:120])
    return visit.page("admin_outbox.html", outbox=found, state=state, error="")


@router.post("/admin/outbox", dependencies=ACTING)
def mend(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Try an effect again, or give it up with a reason."""
    effect, state = text(form, "effect"), text(form, "state")
    acting, gives_up = by(visit, viewer, form), text(form, "action") == "give_up"

    def act() -> None:
        if gives_up:
            watching.give_up(app, acting, effect, text(form, "reason"))
        else:
            watching.retry(app, acting, effect)

    def page(error: str, status: int) -> Response:
        known = state if state in ("dead", "trying", "pending") else "dead"
        found = watching.outbox(app, by(visit, viewer), known)
        return visit.page("admin_outbox.html", status=status, outbox=found, state=known, error=error)

    return tried(visit, act, page) or visit.go("/admin/outbox", state=state)


@router.get("/admin/sends")
def sends(
    app: App, visit: CurrentVisit, viewer: CurrentViewer, wave: Annotated[str, Query(max_length=48)] = ""
) -> Response:
    """Waves with recipients of whom nobody knows whether the message went out; the reasons of a large one by `wave`."""
    return visit.page("admin_sends.html", waves=watching.in_doubt(app, by(visit, viewer), wave), error="")


@router.post("/admin/sends", dependencies=ACTING)
def resolve(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Say of a wave's doubtful recipients that the messages went out, or did not and go again, or are given up."""
    wave, count, acting = text(form, "wave"), text(form, "count"), by(visit, viewer, form)
    answer = next((one for one in watching.ANSWERS if one == text(form, "answer")), None)
    expected = int(count) if count.isdecimal() and len(count) < 12 else 0

    def act() -> None:
        if answer is None:
            raise InvalidForm([BROKEN_FORM])
        twice = text(form, "twice") == "yes"
        watching.resolve(app, acting, wave, answer, expected=expected, reason=text(form, "reason"), twice=twice)

    def page(error: str, status: int) -> Response:
        waves = watching.in_doubt(app, by(visit, viewer))
        return visit.page("admin_sends.html", status=status, waves=waves, error=error)

    return tried(visit, act, page) or visit.go("/admin/sends")


@router.get("/admin/timers")
def timers(app: App, visit: CurrentVisit, viewer: CurrentViewer, late: str = "") -> Response:
    """Timers, the earliest due first; all, or those that are late."""
    found = watching.timers(app, by(visit, viewer), late=bool(late))
    return visit.page("admin_timers.html", timers=found, late=bool(late))


@router.post("/admin/timers", dependencies=ACTING)
def fire(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Fire a late timer once more, at once."""
    watching.fire(app, by(visit, viewer, form), text(form, "timer"))
    return visit.go("/admin/timers", late="1")


@router.get("/admin/receipts")
def receipts(
    app: App,
    visit: CurrentVisit,
    viewer: CurrentViewer,
    before: Annotated[int, Query(ge=0, lt=2**31)] = 0,
    kind: str = "",
) -> Response:
    """What came back and belongs to nothing here; of one kind, where it is named."""
    found = parking.listed(app, by(visit, viewer), before, kind=kind)
    return visit.page("admin_receipts.html", receipts=found, error="", before=before, kind=kind)


@router.post("/admin/receipts", dependencies=ACTING)
def settle(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Try a thing again, assign it to a message, or put it aside with a reason."""
    number, acting = text(form, "receipt"), by(visit, viewer, form)
    chosen = int(number) if number.isdecimal() and len(number) < 12 else 0

    def page(error: str, status: int) -> Response:
        found = parking.listed(app, by(visit, viewer))
        return visit.page("admin_receipts.html", status=status, receipts=found, error=error, before=0, kind="")

    found = True

    def act() -> None:
        nonlocal found
        if text(form, "action") == "aside":
            parking.put_aside(app, acting, chosen, text(form, "reason"))
        else:
            found = parking.assign(app, acting, chosen, text(form, "message"))

    refused = tried(visit, act, page)
    if refused is None and not found:
        return page(visit.words("It still belongs to no message here; nothing was changed."), 409)
    return refused or visit.go("/admin/receipts")
