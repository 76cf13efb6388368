"""Whom of a control group somebody messaged all the same: the case itself by mistake, or another case.

Looks at what left the house from the freeze of the list on, over all cases, whoever may see them: only sums come out.
Refuses to name a customer.
"""

from datetime import datetime

from sqlalchemy import Connection

from engine.evaluation.plan import EvaluationPlan
from engine.evaluation.verdict import Reached
from engine.service.app import Countersign
from engine.store import contamination as store
from engine.store.snapshots import SnapshotRow
from engine.warehouse.freeze import LIST
from engine.warehouse.measuring import control_customers


def contamination(
    app: Countersign, tx: Connection, case_id: str, snapshot: SnapshotRow, *, until: datetime, plan: EvaluationPlan
) -> Reached:
    """Counts the control customers of the frozen list who were messaged between its freeze and `until`."""
    by_case = by_others = either = 0
    places = store.places_of(tx, since=snapshot.frozen_at, until=until)
    if places:
        for customers in control_customers(app.settings.data / snapshot.folder / LIST, store.AT_ONCE):
            mine, others = store.messaged(tx, customers, places, case_id=case_id, since=snapshot.frozen_at, until=until)
            by_case, by_others, either = by_case + len(mine), by_others + len(others), either + len(mine | others)
    share = plan.contaminated_at_most
    return Reached(either, by_case, by_others, None if share is None else float(share))
