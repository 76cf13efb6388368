"""Counts the ledger again, for whoever doubts the sums that pages, gates and stop rules read. Refuses to move a row."""

from collections.abc import Callable

from engine.service.app import Countersign
from engine.service.recording import By, changing
from engine.store import moves, waves
from engine.store.moves import Drift


def recount(
    app: Countersign, by: By, *, mend: bool = False, told: Callable[[int, int], None] = lambda _read, _of: None
) -> tuple[Drift, ...]:
    """The waves whose sums are not what their rows say, from one snapshot; `mend` makes them so, wave by wave under
    its lock, and returns those that were changed. `told` hears how many rows were read, of how many."""
    by.authorize("operation.watch")
    with app.db.read() as tx:
        found = moves.drifts(tx, told=told)
    return tuple(one for drift in found if (one := _mended(app, by, drift.wave))) if mend else found


def _mended(app: Countersign, by: By, wave: str) -> Drift | None:
    with changing(app, by, "operation.act") as change:
        waves.lock(change.tx, wave)
        drift = moves.mend(change.tx, wave)
        if drift is not None:
            change.note("sums_mended", wave, before=dict(drift.kept), after=dict(drift.counted))
        return drift
