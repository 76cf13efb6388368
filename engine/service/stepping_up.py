"""Large budgets are decided on by who just gave their password: a remembered device or an old session is not enough."""

from decimal import Decimal, InvalidOperation

from engine.errors import SignInAnew
from engine.machine.case import Case
from engine.service.app import Countersign
from engine.service.views import Viewer


def asks_anew(app: Countersign, case: Case) -> bool:
    """Whether a decision on the case asks for a password given just now."""
    return is_above(app, case.form.get("budget"))


def is_above(app: Countersign, budget: object) -> bool:
    """Whether a budget is above the step-up limit; never where none is set, and no budget is above none."""
    limit = app.settings.step_up_budget
    if not limit or budget in (None, ""):
        return False
    try:
        return Decimal(str(budget)) > limit
    except InvalidOperation:
        return False


def check(app: Countersign, viewer: Viewer, budget: object) -> None:
    """SignInAnew where the viewer's session is not enough for a case of this budget."""
    if viewer.is_stale and is_above(app, budget):
        raise SignInAnew(limit=f"{app.settings.step_up_budget:,.2f}")
