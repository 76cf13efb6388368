"""What a recommendation is ranked by: the priority of its case, and the score of the customer (竞合打分).

Both as the arbitration says that holds for the case; where none does, the priority of its form and no score. Refuses to
work a score out anew: what a clerk sees is what the cases were weighed by.
"""

from sqlalchemy import Connection

from engine.definition.model import Definition
from engine.machine.case import Case
from engine.service.app import Countersign
from engine.store import arbitrations
from engine.warehouse.arbitrating import score_of


def of(app: Countersign, tx: Connection, case: Case, definition: Definition, customer: str) -> tuple[int, float | None]:
    """The priority of the case and the customer's score; None where the arbitration gave them none."""
    plan = definition.audience.arbitration if definition.audience else None
    held = arbitrations.holding(tx, case.id)
    if held is None:
        return (plan.priority_in(case.form) if plan else 0), None
    if plan is None or plan.score is None:
        return held.priority, None
    run = arbitrations.find(tx, held.run)
    assert run is not None
    return held.priority, score_of(app.settings.data / run.folder, held.place, customer)
