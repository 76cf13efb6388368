"""One command to every case that it changes, after something that they all depend on changed.

Cases are read without a lock, and what is done is decided again under it. One transaction per case at most; cases in
which nothing changes are only read. Refuses to stop at one case that cannot be changed: it is logged, and the others
go on.
"""

from collections.abc import Sequence

import structlog

from engine.errors import CountersignError
from engine.machine.advance import advance
from engine.machine.commands import AnyCommand
from engine.service import running
from engine.service.app import Countersign
from engine.store import cases
from engine.store.batches import Move, transition_many

READ_AT_ONCE = 500
TOGETHER = 50  # cases changed in one transaction; longer ones keep people waiting for their case

log = structlog.get_logger()


def follow(app: Countersign, case_ids: Sequence[str], command: AnyCommand) -> int:
    """Carry `command` out on those of the cases that it changes; returns how many those are."""
    return sum(_some(app, case_ids[n : n + READ_AT_ONCE], command) for n in range(0, len(case_ids), READ_AT_ONCE))


def _some(app: Countersign, case_ids: Sequence[str], command: AnyCommand) -> int:
    affected = _affected(app, case_ids, command)
    changed = 0
    for n in range(0, len(affected), TOGETHER):
        several = affected[n : n + TOGETHER]
        done = transition_many(app.db, [_move(app, case_id, command) for case_id in several])
        changed += len(done) + sum(_alone(app, case_id, command) for case_id in several if case_id not in done)
    return changed


def _affected(app: Countersign, case_ids: Sequence[str], command: AnyCommand) -> list[str]:
    """The cases that it changes."""
    found = []
    with app.db.read() as tx:
        for case in cases.load_many(tx, case_ids):
            try:
                outcome = advance(app.process(case.process, tx), case, command, app.now())
            except CountersignError as error:
                _failed(case.id, command, error)
                continue
            if outcome.events:
                found.append(case.id)
    return found


def _move(app: Countersign, case_id: str, command: AnyCommand) -> Move:
    return Move(case_id, "", lambda locked: running.decide(app, locked, command))


def _alone(app: Countersign, case_id: str, command: AnyCommand) -> bool:
    try:
        return bool(running.carry_out(app, case_id, command, key="").events)
    except CountersignError as error:
        _failed(case_id, command, error)
        return False


def _failed(case_id: str, command: AnyCommand, error: CountersignError) -> None:
    log.warning("follow_failed", case=case_id, command=type(command).__name__, error=error.message)
