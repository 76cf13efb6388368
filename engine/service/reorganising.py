"""After a change of offices, people, roles or stand-ins: open steps ask whom the organisation names now.

Whoever changes it (a command, the API, the date on which a stand-in begins) need not know of cases: the organisation's
revision says that something changed, and what follows is done by the next look (`catch_up`), again after a crash.
"""

from collections.abc import Sequence

from engine.machine.commands import Reorganise
from engine.service.app import Countersign
from engine.service.following import follow
from engine.store import cases, people

COMMAND = Reorganise(actor="system", via="timer")


def catch_up(app: Countersign) -> int:
    """Follow the organisation where it changed since the last time; in how many cases others are asked now."""
    with app.db.read() as tx:
        if not people.unsettled(tx, app.now()):
            return 0
    return resolve_open(app)


def resolve_open(app: Countersign) -> int:
    """Ask again in every case that waits for people; returns in how many others are asked now."""
    now = app.now()
    with app.db.read() as tx:
        revision = people.revision(tx)
        waiting = cases.waiting_for_people(tx)
    changed = follow(app, waiting, COMMAND)
    with app.db.begin() as tx:
        people.settle(tx, revision, now)
    return changed


def resolve_some(app: Countersign, case_ids: Sequence[str]) -> int:
    """Ask again in these cases at once; the others follow with the next look. In how many others are asked now."""
    return follow(app, tuple(dict.fromkeys(case_ids)), COMMAND)
