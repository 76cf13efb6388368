"""After a change of offices, people, roles or stand-ins: open steps ask whom the organisation names now.

One transaction per case; run again after a crash it changes nothing that is done. Refuses to stop at one case that
cannot be changed: it is logged, and the others go on.
"""

import structlog

from engine.errors import CountersignError
from engine.machine.commands import Reorganise
from engine.service import running
from engine.service.app import Countersign
from engine.store import cases

log = structlog.get_logger()


def resolve_open(app: Countersign) -> int:
    """Ask again in every case under approval; returns in how many others are asked now."""
    with app.db.read() as tx:
        waiting = cases.in_state(tx, "approving")
    changed = 0
    for case_id in waiting:
        try:
            recorded = running.carry_out(app, case_id, Reorganise(actor="system", via="timer"), key="")
        except CountersignError as error:
            log.warning("reorganise_failed", case=case_id, error=error.message)
            continue
        changed += bool(recorded.events)
    return changed
