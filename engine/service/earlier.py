"""What became of the customers of an earlier case, for a selection that asks for it.

A case that the submitter may not see cannot be used, and is told like one that is not there. Refuses to look up who
may see what: `visibility` says.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from engine.audience.compile import Selection, Wanted
from engine.errors import InvalidFile, Problem
from engine.service.app import Countersign
from engine.store import earlier, visibility, waves
from engine.warehouse.dataset import Dataset, Version
from engine.warehouse.earlier import in_history, no_such_case, write
from engine.warehouse.run import Evidence


def outcomes(
    app: Countersign, person: str, selection: Selection, folder: Path, *, dataset: Dataset, version: Version
) -> dict[str, Evidence]:
    """The tables of earlier cases that the selection reads, written to `folder`. InvalidFile where `person` sees no
    such case, or it has no such wave."""
    written = {}
    for wanted in selection.earlier:
        with app.db.read() as tx:
            customers = _customers(tx, person, wanted, selection.as_of)
            if customers is None:
                customers = in_history(dataset, version, wanted, selection.as_of)
            if customers is None:
                raise InvalidFile([no_such_case(wanted.case)])
            written[wanted.table] = write(folder, wanted, customers)
    return written


def _customers(tx: Connection, person: str, wanted: Wanted, until: datetime) -> Iterable[str] | None:
    """As the ledger and the answers know; None where only the history of contacts can: another system's case, or an
    outcome of its own words."""
    line = visibility.named(tx, person, wanted.case)
    if line is None and visibility.is_taken(tx, wanted.case):
        raise InvalidFile([no_such_case(wanted.case)])
    if line is None or wanted.outcome not in earlier.KNOWN:
        return None
    since = wanted.since.replace(tzinfo=UTC) if wanted.since else None
    of_waves = _waves(tx, line.id, wanted) if wanted.wave else None
    return earlier.customers(tx, line.id, wanted.outcome, waves=of_waves, since=since, until=until)


def _waves(tx: Connection, case_id: str, wanted: Wanted) -> tuple[str, ...]:
    there = waves.of_case(tx, case_id)
    found = tuple(row.id for row in there if row.name == wanted.wave)
    if not found:
        hint = f"it has {', '.join(row.name for row in there)}" if there else "it has none"
        raise InvalidFile([Problem(code="D132", message=f"case {wanted.case} has no wave {wanted.wave}", hint=hint)])
    return found
