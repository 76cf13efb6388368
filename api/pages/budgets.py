"""Budgets of offices: where the money is, what each case holds, an amount proposed and confirmed by two persons."""

from functools import partial

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.exporting import Asked, exported
from api.pages.admin import by, tried
from api.pages.saved_views import bar_of
from api.visit import Visit
from engine.service import budget_tables, budgets
from engine.service.app import Countersign
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("budgets.read")])
FIELDS = ("office", "year", "currency", "amount", "reason")


@router.get("/budgets")
def listed(app: App, visit: CurrentVisit, viewer: CurrentViewer, view: str = "", form: Asked = "") -> Response:
    """The budgets of the viewer's offices; `view` is the saved view that led here."""
    if form:
        return exported(budget_tables.listed(app, viewer, {}), form, visit.language)
    return _list(app, visit, viewer, opened=view)


@router.post("/budgets", dependencies=[for_page("budgets.keep")])
def propose(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Propose an amount."""
    typed = {name: text(form, name).strip() for name in FIELDS}

    def act() -> None:
        budgets.propose(app, by(visit, viewer, form), **typed)

    page = partial(_list, app, visit, viewer, typed=typed)
    return tried(visit, act, lambda error, status: page(error=error, status=status)) or visit.go("/budgets")


@router.get("/budgets/{key}")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, key: str, form: Asked = "") -> Response:
    """One budget: balances, cases, versions, the newest lines of its ledger; as a file its whole ledger."""
    if form:
        return exported(budget_tables.postings(app, by(visit, viewer), key), form, visit.language)
    return visit.page("budget.html", page=budgets.page(app, by(visit, viewer), key))


@router.post("/budgets/{key}/{version}", dependencies=[for_page("budgets.keep")])
def decide(*, app: App, visit: CurrentVisit, viewer: CurrentViewer, key: str, version: int, form: Posted) -> Response:
    """Confirm an amount or refuse it."""
    confirm = text(form, "decision") == "confirm"

    def act() -> None:
        budgets.decide(app, by(visit, viewer, form), key, version, confirm=confirm)

    page = partial(_list, app, visit, viewer)
    return tried(visit, act, lambda error, status: page(error=error, status=status)) or visit.go("/budgets")


def _list(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    *,
    error: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
    opened: str = "",
) -> Response:
    year = str(app.now().astimezone(app.settings.zone).year)
    return visit.page(
        "budgets.html",
        status=status,
        view=budgets.listed(app, by(visit, viewer)),
        currencies=[(one, one) for one in budgets.CURRENCIES],
        typed=typed or dict.fromkeys(FIELDS, "") | {"year": year, "currency": budgets.CURRENCIES[0]},
        error=error,
        **bar_of(visit, viewer, "budgets", {}, opened),
    )
