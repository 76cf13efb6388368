"""After a change of the working days: open deadlines that count them are counted again (see machine/recounting).

The calendar changes by the operator's table, by a release that knows a new notice, and by the office hours that are
set. Nobody who changes it need know of cases: the fingerprint of the calendar says so at the next look, again after a
crash.
"""

from engine.machine.commands import Recount
from engine.service.app import Countersign
from engine.service.following import follow
from engine.store import calendar, cases

COMMAND = Recount(actor="system", via="timer")


def catch_up(app: Countersign) -> int:
    """Count again where the calendar changed since the last time; returns in how many cases a deadline moved."""
    with app.db.read() as tx:
        fingerprint = app.calendar(tx).fingerprint
        if calendar.counted_by(tx) == fingerprint:
            return 0
        waiting = cases.with_deadlines(tx)
    changed = follow(app, waiting, COMMAND)
    with app.db.begin() as tx:
        calendar.note_counted(tx, fingerprint)
    return changed
