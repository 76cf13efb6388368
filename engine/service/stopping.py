"""Looks at how a delivery stands, and holds it when its stop rule says so.

The rule is asked between chunks. What stops a delivery is a command to the case like any other, so that the history
says why; a person may then go on all the same, and the rule is not asked again for the waves that were held.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from sqlalchemy import Connection

from engine.delivery.message import cost
from engine.delivery.plan import METRICS, DeliveryPlan
from engine.delivery.standing import Standing
from engine.errors import Refused
from engine.expr import Explanation, Term, compile_expression
from engine.expr.types import BOOL, DECIMAL, INT, Record
from engine.machine.case import Case
from engine.machine.commands import PauseDelivery
from engine.service import running
from engine.service.app import Countersign
from engine.store import cases, ledger, waves
from engine.store.waves import WaveRow
from engine.values import Bilingual

STOPPED = "stop: "
SEEN = " where "
OVERRULED = "stop rule overruled"

MEASURES = Record({name: INT if kind == "int" else DECIMAL for name, kind in METRICS.items()}, "delivery")


def standing(tx: Connection, case_id: str, plan: DeliveryPlan, some: Sequence[WaveRow]) -> Standing:
    """How these waves of a case stand."""
    sums = [one for wave, one in ledger.sums(tx, case_id).items() if wave in {wave.id for wave in some}]
    answers = ledger.answers(tx, case_id, [wave.id for wave in some])
    return Standing(
        audience=sum(one.audience for one in sums),
        sent=sum(one.contacted for one in sums),
        delivered=sum(one.delivered for one in sums),
        failed=sum(one.failed for one in sums),
        complaints=answers.get("complaint", 0),
        opt_outs=answers.get("opt_out", 0),
        spent=sum((cost(wave.segments, plan.price(wave.channel)) for wave in some), Decimal()),
    )


def stop_if_due(app: Countersign, case_id: str) -> bool:
    """Whether the stop rule of the case holds; then all its waves are held, once, with the rule as the reason."""
    with app.db.read() as tx:
        case = cases.load(tx, case_id)
        definition = app.definition(case.process)
        plan = definition.delivery
        if plan is None or not plan.stop_when:
            return False
        rows = waves.of_case(tx, case_id)
        if any(wave.held_because == OVERRULED for wave in rows):
            return False
        now = standing(tx, case_id, plan, rows)
    rule = compile_expression(plan.stop_when, definition.scope.plus(m=MEASURES), gives=BOOL)
    seen = {**definition.context(case.form), "m": now.metrics()}
    if not rule.holds(seen):
        return False
    labels = {f"form.{name}": field.label for name, field in definition.proposal.fields.items()}
    reason = f"{STOPPED}{plan.stop_when}{SEEN}{decided_by(rule.explain(seen), labels)}"
    with app.db.begin() as tx:
        for row in waves.lock_all(tx, [row.id for row in rows]):
            if row.state == "running":
                waves.note(tx, row.id, reason)
    pause(app, case, reason)
    return True


def decided_by(why: Explanation, labels: Mapping[str, Bilingual]) -> str:
    """The comparisons that decided, with what they saw: "m.spent 9.60 >= form.budget 9.00 (预算 / Budget)". A field of
    the form is called here, because pages and mails that say it later know neither the form nor its version."""
    said = []
    for one in why.reasons:
        terms = [f"{term}{_called(term, labels)}" for term in one.terms]
        is_comparison = one.operator and len(terms) == 2
        said.append(f" {one.operator} ".join(terms) if is_comparison else ", ".join(terms) or one.text)
    return "; ".join(said)


def _called(term: Term, labels: Mapping[str, Bilingual]) -> str:
    label = labels.get(term.path or "")
    return f" ({label.zh} / {label.en or label.zh})" if label else ""


def hold_wave(app: Countersign, wave: WaveRow, reason: str) -> None:
    """Hold the delivery of a wave that is running, which says why."""
    with app.db.begin() as tx:
        case = cases.load(tx, wave.case_id)
        if case.state == "delivering":
            waves.note(tx, wave.id, reason)
    pause(app, case, reason)


def pause(app: Countersign, case: Case, reason: str) -> None:
    """Hold a delivery because a rule says so; nothing where the case is not delivering (any more)."""
    command = PauseDelivery(actor="system", via="timer", reason=reason)
    try:
        running.carry_out(app, case.id, command, key=f"hold:{case.seq}")
    except Refused:
        return
