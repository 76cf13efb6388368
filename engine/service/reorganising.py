"""After a change of offices, people, roles or stand-ins: open steps ask whom the organisation names now.

Whoever changes it (a command, the API, the date on which a stand-in begins) need not know of cases: the organisation's
revision says that something changed, and what follows is done by the next look (`catch_up`), again after a crash.
One transaction per case at most; cases in which nothing changes are only read. Refuses to stop at one case that cannot
be changed: it is logged, and the others go on.
"""

from collections.abc import Sequence

import structlog

from engine.errors import CountersignError
from engine.machine.advance import advance
from engine.machine.commands import Reorganise
from engine.service import running
from engine.service.app import Countersign
from engine.store import cases, people
from engine.store.batches import Move, transition_many

READ_AT_ONCE = 500
TOGETHER = 50  # cases changed in one transaction; longer ones keep people waiting for their case
COMMAND = Reorganise(actor="system", via="timer")

log = structlog.get_logger()


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
    changed = sum(_resolve(app, waiting[n : n + READ_AT_ONCE]) for n in range(0, len(waiting), READ_AT_ONCE))
    with app.db.begin() as tx:
        people.settle(tx, revision, now)
    return changed


def _resolve(app: Countersign, case_ids: Sequence[str]) -> int:
    affected = _affected(app, case_ids)
    changed = 0
    for n in range(0, len(affected), TOGETHER):
        several = affected[n : n + TOGETHER]
        done = transition_many(app.db, [_move(app, case_id) for case_id in several])
        changed += len(done) + sum(_alone(app, case_id) for case_id in several if case_id not in done)
    return changed


def _affected(app: Countersign, case_ids: Sequence[str]) -> list[str]:
    """The cases in which others are to be asked. Read without a lock; what is done is decided again under it."""
    found = []
    with app.db.read() as tx:
        for case in cases.load_many(tx, case_ids):
            try:
                outcome = advance(app.process(case.process, tx), case, COMMAND, app.now())
            except CountersignError as error:
                log.warning("reorganise_failed", case=case.id, error=error.message)
                continue
            if outcome.events:
                found.append(case.id)
    return found


def _move(app: Countersign, case_id: str) -> Move:
    return Move(case_id, "", lambda locked: running.decide(app, locked, COMMAND))


def _alone(app: Countersign, case_id: str) -> bool:
    try:
        return bool(running.carry_out(app, case_id, COMMAND, key="").events)
    except CountersignError as error:
        log.warning("reorganise_failed", case=case_id, error=error.message)
        return False
