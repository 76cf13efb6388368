"""Stand-ins: one's own for everybody, all of them for administrators."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, tried
from api.visit import Visit
from engine.errors import InvalidForm, Problem
from engine.organisation import StandIn
from engine.service import definitions, reorganising, standins
from engine.service.app import Countersign
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("cases.act")])
FIELDS = ("person", "by", "first", "last", "definition", "budget")


@router.get("/stand-ins")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, added: int = 0) -> Response:
    """Those that are about the viewer, all for an administrator; and the form for a new one."""
    return _page(app, visit, viewer, added=added)


@router.post("/stand-ins")
def add(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Let somebody decide for a person from a day to a day, both included."""
    typed = {name: text(form, name) for name in FIELDS}
    made: list[int] = []

    def act() -> None:
        one = _stand_in(app, viewer, typed)
        made.append(standins.add(app, viewer, one, by=by(visit, viewer, form)))

    def page(error: str, status: int) -> Response:
        return _page(app, visit, viewer, error=error, status=status, typed=typed)

    refused = tried(visit, act, page)
    if refused is None:
        reorganising.catch_up(app)
    return refused or visit.go(f"/stand-ins?added={made[0]}")


@router.post("/stand-ins/{number}/end")
def end(app: App, visit: CurrentVisit, viewer: CurrentViewer, number: int, form: Posted) -> Response:
    """End one now. What was decided under it stands."""
    standins.end(app, viewer, number, by=by(visit, viewer, form))
    reorganising.catch_up(app)
    return visit.go("/stand-ins")


def _stand_in(app: Countersign, viewer: Viewer, typed: dict[str, str]) -> StandIn:
    problems: list[Problem] = []
    first, last = (_day(typed[name], name, problems) for name in ("first", "last"))
    budget: Decimal | None = None
    if typed["budget"]:
        try:
            budget = Decimal(typed["budget"].replace(",", ""))
            if not budget.is_finite() or not 0 <= budget < 10**12:
                raise InvalidOperation
        except InvalidOperation:
            problems.append(Problem("amount", "not an amount", at="budget", fields={"value": typed["budget"]}))
    if problems or first is None or last is None:
        raise InvalidForm(problems)
    zone = app.settings.zone
    return StandIn(
        person=standins.account_of(app, typed["person"]) if typed["person"] else viewer.person,
        by=standins.account_of(app, typed["by"]),
        starts=datetime.combine(first, time(), zone),
        ends=datetime.combine(last + timedelta(days=1), time(), zone),
        definitions=(typed["definition"],) if typed["definition"] else (),
        field="budget" if budget is not None else "",
        limit=budget,
    )


def _day(typed: str, at: str, problems: list[Problem]) -> date | None:
    if not typed:
        problems.append(Problem("form.required", "this is needed", at=at))
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError:
        problems.append(Problem("form.not_date", f"{typed} is not a day", at=at, fields={"value": typed}))
        return None


def _page(  # noqa: PLR0917
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    error: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
    added: int = 0,
) -> Response:
    rows = standins.listed(app, viewer)
    new = next((one for one in rows if one.id == added), None)
    return visit.page(
        "stand_ins.html",
        status=status,
        rows=sorted(rows, key=lambda one: (one.state == "over", one.starts)),
        new=new,
        own=standins.own_cases(app, new.person, new.by) if new else (),
        kinds=definitions.startable(app),
        typed=typed or dict.fromkeys(FIELDS, ""),
        error=error,
        oversees=viewer.has(standins.OVERSEES),
    )
