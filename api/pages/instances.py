"""The running cases of a version: where they rest, which do not go on, and what is done with several of them; and what
a draft would have done to the cases so far."""

from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query, Response

from api import diagnostics
from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import sentence
from api.pages.definitions import Number
from api.visit import Visit
from engine.errors import CountersignError, Invalid, Refused
from engine.service import instances, studying, what_if
from engine.service.authorizing import allowed
from engine.service.instances import Deed, Effect, Plan
from engine.service.operations import Door
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("definitions.read")])
AT_ONCE = 25  # cases that one page of a what-if compares: so many take a second


@router.get("/definitions/{name}/{number}/cases")
def show(
    *, visit: CurrentVisit, viewer: CurrentViewer, name: str, number: Number, step: str = "", all: bool = False
) -> Response:
    """Where the running cases rest; all of them ticked where asked for."""
    return _page(visit, viewer, (name, number), step=step[:120], chosen=("*",) if all else ())


@router.post("/definitions/{name}/{number}/cases")
def send(visit: CurrentVisit, viewer: CurrentViewer, name: str, number: Number, form: Posted) -> Response:
    """Say what it would mean for each of the chosen cases, then do it; sent twice it is done once."""
    chosen = tuple(str(one)[:40] for one in form.getlist("case"))
    deed: Deed = next((one for one in get_args(Deed) if one == text(form, "deed")), "retry")
    plan = Plan(deed, text(form, f"to-{deed}") or text(form, "to"), text(form, "reason"))
    door, is_try = Door(viewer, form_key(form, viewer)), text(form, "action") != "do"
    try:
        effects = instances.plan(visit.app, door, (name, number), plan, chosen, dry_run=is_try)
    except (Invalid, Refused) as error:
        said = sentence(error, visit.formats)
        return _page(visit, viewer, (name, number), chosen=chosen, plan=plan, error=said, status=error.status)
    return _page(visit, viewer, (name, number), chosen=chosen, plan=plan, effects=effects, is_try=is_try)


@router.get("/definitions/{name}/{number}/what-if")
def suppose(
    *,
    app: App,
    visit: CurrentVisit,
    viewer: CurrentViewer,
    name: str,
    number: Number,
    start: Annotated[int, Query(ge=0, lt=1_000_000_000)] = 0,
) -> Response:
    """Which of the cases so far would have gone otherwise under this version, a few of them per page."""
    found = studying.version(app, viewer, name, number)
    shown = what_if.piece(app, viewer, found.source, start=start, count=AT_ONCE)
    return visit.page(
        "what_if.html", of=found, base=f"/definitions/{name}/{number}", shown=shown, diagnosed=diagnostics
    )


def _page(
    visit: Visit,
    viewer: Viewer,
    of: tuple[str, int],
    *,
    step: str = "",
    chosen: tuple[str, ...] = (),
    plan: Plan | None = None,
    effects: tuple[Effect, ...] = (),
    is_try: bool = True,
    error: str = "",
    status: int = 200,
) -> Response:
    name, number = of

    def told(effect: Effect) -> str:
        return visit.words("; ").join(diagnostics.hindrance(one, visit.formats) for one in effect.hindrances) or (
            sentence(effect.left, visit.formats) if isinstance(effect.left, CountersignError) else ""
        )

    values: dict[str, Any] = {"told": told, "may_act": allowed(viewer, "operation.act")}
    return visit.page(
        "instances.html",
        status=status,
        of=studying.version(visit.app, viewer, name, number),
        base=f"/definitions/{name}/{number}",
        shown=instances.overview(visit.app, viewer, name, number, step),
        step=step,
        chosen=chosen,
        plan=plan,
        effects=effects,
        is_try=is_try,
        error=error,
        **values,
    )
