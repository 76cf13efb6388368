"""What a control group can show, said before the approval: the smallest rise of the response that would be seen.

The rate to start from is that of the control groups of earlier cases of the same kind that the viewer sees; where there
is none it is an assumption, and is called one. Refuses to speak of cases without a control group.
"""

from decimal import Decimal

import msgspec
from sqlalchemy import Connection

from engine.audience.plan import Control
from engine.definition.model import Definition
from engine.evaluation.power import detectable_rise
from engine.machine.case import Case
from engine.service.app import Countersign
from engine.service.stage_views import Detection, EvaluationView
from engine.store import reports

ASSUMED = 0.02
"""A rate of conversion that campaigns of an operator commonly have; pages call it an assumption."""
DEFAULT_OUTCOME = "conversion"


def detection(
    tx: Connection, person: str, definition: Definition, *, target: int, control: int, is_declared: bool = False
) -> Detection | None:
    """For groups of these sizes. `is_declared`: they come from the number declared, nobody was counted yet."""
    plan = definition.audience
    if plan is None or plan.control is None:
        return None
    outcome = _outcome(definition)
    base, cases = base_rate(tx, person, definition.name, outcome)
    rise = detectable_rise(base, target, control)
    return Detection(outcome, target, control, base, cases, rise, is_declared)


def declared(app: Countersign, tx: Connection, person: str, case: Case) -> Detection | None:
    """For the number of customers that the proposal declares; None where it declares none, or reads it elsewhere."""
    definition = app.definition(case.process)
    plan = definition.audience
    number = case.form.get(plan.drift.source) if plan and plan.drift else None
    if plan is None or plan.control is None or not isinstance(number, int) or number < 1:
        return None
    control = _control_of(plan.control, number)
    return (
        None if control is None else detection(tx, person, definition, target=number, control=control, is_declared=True)
    )


def _control_of(control: Control, target: int) -> int | None:
    """The control group beside so many target customers: the declared number leaves it out."""
    if control.share is None or control.share >= 1:
        return None
    return max(control.min, int(Decimal(target) * control.share / (1 - control.share)))


def _outcome(definition: Definition) -> str:
    """The first rate that cases of this kind are judged by."""
    plan = definition.evaluation
    rates = [name for name in plan.compared if plan.measures[name] == "rate"] if plan else []
    return rates[0] if rates else DEFAULT_OUTCOME


def base_rate(tx: Connection, person: str, name: str, outcome: str) -> tuple[float, int]:
    """The rate in the control groups of earlier cases, together, and of how many; the assumption and 0 without any."""
    customers = came = 0.0
    cases = 0
    for stored in reports.newest_of_kind(tx, person, name):
        report = msgspec.json.decode(stored.report, type=EvaluationView)
        row = next((one for one in reversed(report.uplift) if one.metric == outcome), None)  # the total stands last
        if row is not None and row.n_control:
            customers, came, cases = customers + row.n_control, came + row.n_control * row.control_value, cases + 1
    rate = came / customers if customers else 0.0
    return (rate, cases) if 0 < rate < 1 else (ASSUMED, 0)
