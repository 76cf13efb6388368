"""Budgets of offices for scripts: balances, what each case holds, the ledger, an amount proposed and confirmed."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller
from api.rest.answers import answer
from api.rest.audience import Acting, Confirmation
from api.rest.cases import Body
from api.rest.described import Described
from engine.service import budgets
from engine.service.budgets import BudgetPage, BudgetsView
from engine.service.recording import By

Key = Annotated[str, Path(max_length=24, examples=["440111:2026:CNY"], description="office:year:currency")]
Version = Annotated[int, Path(ge=1, lt=2**31, examples=[1])]
router = APIRouter(route_class=Described, prefix="/api/v1", tags=["budgets"])


class NewBudget(Body):
    """What an office may spend in a year, in all."""

    office: str = Field(max_length=12, examples=["440111"])
    year: int = Field(ge=2000, lt=2100, examples=[2026])
    currency: str = Field("CNY", max_length=3, examples=["CNY"])
    amount: str = Field(max_length=20, examples=["500000.00"])
    reason: str = Field(max_length=200, examples=["the year's budget"])


@router.get("/budgets", response_model=BudgetsView, dependencies=[for_reading("budgets.read")])
def listed(app: App, caller: Caller) -> Response:
    """The budgets of the caller's offices, and the amounts that wait for a second person."""
    return answer(budgets.listed(app, By(caller, "api")))


@router.post("/budgets", status_code=201, response_model=BudgetsView, dependencies=[for_acting("budgets.keep")])
def propose(app: App, by: Acting, body: NewBudget) -> Response:
    """Propose what an office may spend in a year, which holds once a second person confirms it. 409 where another
    amount waits, or cases hold more."""
    said = {"office": body.office, "year": str(body.year), "currency": body.currency}
    budgets.propose(app, by, **said, amount=body.amount, reason=body.reason)
    return answer(budgets.listed(app, by), 201)


@router.get("/budgets/{key}", response_model=BudgetPage, dependencies=[for_reading("budgets.read")])
def show(app: App, caller: Caller, key: Key) -> Response:
    """One budget: its versions, what each case holds, the newest 200 lines of its ledger. Cases that the caller may not
    see have no number."""
    return answer(budgets.page(app, By(caller, "api"), key))


@router.post("/budgets/{key}/{version}/decision", response_model=BudgetsView, dependencies=[for_acting("budgets.keep")])
def decide(app: App, by: Acting, key: Key, version: Version, body: Confirmation) -> Response:
    """Confirm an amount that somebody else proposed, or refuse it. 404 where none waits under that number."""
    budgets.decide(app, by, key, version, confirm=body.confirm)
    return answer(budgets.listed(app, by))
