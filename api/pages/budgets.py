"""Budgets of offices: where the money is, what each case holds, an amount proposed and confirmed by two persons."""

from decimal import Decimal
from functools import partial

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, download, tried
from api.visit import Visit
from engine.service import budgets, sheets
from engine.service.app import Countersign
from engine.service.budgets import BudgetPosting
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("budgets.read")])
FIELDS = ("office", "year", "currency", "amount", "reason")
NONE = Decimal()
COLUMNS = ("id", "key", "at", "side", "taken", "given", "occasion", "case", "wave", "actor")


@router.get("/budgets")
def listed(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """The budgets of the viewer's offices."""
    return _list(app, visit, viewer)


@router.post("/budgets", dependencies=[for_page("budgets.keep")])
def propose(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Propose an amount."""
    typed = {name: text(form, name).strip() for name in FIELDS}

    def act() -> None:
        budgets.propose(app, by(visit, viewer, form), **typed)

    page = partial(_list, app, visit, viewer, typed=typed)
    return tried(visit, act, lambda error, status: page(error=error, status=status)) or visit.go("/budgets")


@router.get("/budgets/{key}")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, key: str) -> Response:
    """One budget: balances, cases, versions, the newest lines of its ledger."""
    return visit.page("budget.html", page=budgets.page(app, by(visit, viewer), key))


@router.get("/budgets/{key}/postings.csv")
def export(app: App, visit: CurrentVisit, viewer: CurrentViewer, key: str) -> Response:
    """The whole ledger of a budget as a table."""
    lines = budgets.postings(app, by(visit, viewer), key)
    rows = [_cells(one) for one in lines]
    written = sheets.write("csv", COLUMNS, rows, title="postings")
    return download(written, f"budget-{key.replace(':', '-')}.csv", sheets.MEDIA["csv"])


@router.post("/budgets/{key}/{version}", dependencies=[for_page("budgets.keep")])
def decide(*, app: App, visit: CurrentVisit, viewer: CurrentViewer, key: str, version: int, form: Posted) -> Response:
    """Confirm an amount or refuse it."""
    confirm = text(form, "decision") == "confirm"

    def act() -> None:
        budgets.decide(app, by(visit, viewer, form), key, version, confirm=confirm)

    page = partial(_list, app, visit, viewer)
    return tried(visit, act, lambda error, status: page(error=error, status=status)) or visit.go("/budgets")


def _cells(one: BudgetPosting) -> list[str]:
    """A line of the table. What was taken and what was given stand apart: a sign before a number is no cell of a table
    that spreadsheets open safely."""
    taken, given = max(-one.amount, NONE), max(one.amount, NONE)
    amounts = [f"{amount:f}" if amount else "" for amount in (taken, given)]
    return [str(one.id), one.key, one.at.isoformat(), one.side, *amounts, one.occasion, one.case, one.wave, one.actor]


def _list(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    *,
    error: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
) -> Response:
    year = str(app.now().astimezone(app.settings.zone).year)
    return visit.page(
        "budgets.html",
        status=status,
        view=budgets.listed(app, by(visit, viewer)),
        currencies=[(one, one) for one in budgets.CURRENCIES],
        typed=typed or dict.fromkeys(FIELDS, "") | {"year": year, "currency": budgets.CURRENCIES[0]},
        error=error,
    )
