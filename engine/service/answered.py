"""What customers answered, by whichever way it came: recorded for the case, and an opt-out respected at once.

Refuses to ask whether the case takes answers: its callers did, by `takes_answers`.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from engine.service import optouts
from engine.service.app import Countersign
from engine.service.optouts import OptOut, Source
from engine.store import reports
from engine.store.reports import ResponseRow


def keep(
    app: Countersign, tx: Connection, case_id: str, rows: Sequence[ResponseRow], *, source: Source, by: str
) -> int:
    """Record what is not known yet, and let who opts out be out; how many were new."""
    out = [row for row in rows if row.kind == "opt_out"]
    known = reports.references(tx, case_id, "opt_out") if out else frozenset()
    fresh = [row for row in out if row.reference not in known]  # an opt-out that a person ended is not made again
    recorded = reports.record_responses(tx, case_id, rows)
    wishes = [OptOut(source, f"{case_id}:{row.reference}", row.at, customer=row.customer) for row in fresh]
    optouts.opt_out(app, tx, wishes, by=by)
    return recorded
