"""What asks for more than the session brings: large budgets are decided on by who just gave their password, a
remembered device or an old session is not enough; confidential cases are not opened by a one-time code alone."""

from decimal import Decimal, InvalidOperation

from engine.errors import SignInAnew, SignInForConfidential
from engine.machine.case import Case, ProcessRef
from engine.service.app import Countersign
from engine.service.views import Viewer
from engine.store.lines import CaseLine


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


def refuse_code(app: Countersign, viewer: Viewer, process: ProcessRef) -> None:
    """SignInForConfidential where cases of this process are confidential, and the viewer came by a one-time code."""
    if viewer.by_code and app.definition(process).proposal.visibility == "confidential":
        raise SignInForConfidential()


def check(app: Countersign, viewer: Viewer, case: CaseLine) -> None:
    """SignInAnew where the viewer's session is not enough to decide on this case."""
    refuse_code(app, viewer, case.process)
    if viewer.is_stale and is_above(app, case.budget):
        raise SignInAnew(limit=f"{app.settings.step_up_budget:,.2f}")
