"""What customers answered, by whichever way it came: recorded for the case, and an opt-out put on the blacklist.

Refuses to ask whether the case takes answers: its callers did, by OPEN_STATES.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from engine.store import reports, suppression
from engine.store.reports import ResponseRow
from engine.store.suppression import Suppression

OPEN_STATES = ("delivering", "paused", "evaluating")
"""States of a case that takes answers."""
OPTED_OUT = "opted out"


def keep(tx: Connection, case_id: str, rows: Sequence[ResponseRow], *, by: str, at: datetime) -> int:
    """Record what is not known yet, and put who opts out on the blacklist; how many were new."""
    out = [row for row in rows if row.kind == "opt_out"]
    known = reports.references(tx, case_id, "opt_out") if out else frozenset()
    fresh = [row for row in out if row.reference not in known]  # an opt-out that a person ended is not made again
    recorded = reports.record_responses(tx, case_id, rows)
    entries = [Suppression("black", row.customer, OPTED_OUT) for row in fresh]
    suppression.add(tx, entries, by=by, at=at)
    return recorded
