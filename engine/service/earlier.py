"""What became of the customers of an earlier case, for a selection that asks for it.

A case that the submitter may not see cannot be used, and is told like one that is not there. Refuses to look up who
may see what: `visibility` says.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from engine.audience.compile import Selection, Wanted
from engine.errors import InvalidFile, Problem
from engine.service.app import Countersign
from engine.store import cases, earlier, visibility, waves
from engine.warehouse import earlier as earlier_files
from engine.warehouse.places import CustomerBase
from engine.warehouse.run import Evidence

Customers = Iterable[str]
MEASURED = {"converted": "conversion", "responded": "response", "no_response": "response"}
"""How an evaluation calls what it measures by imported files, in place of single answers."""


def outcomes(
    app: Countersign, person: str, selection: Selection, folder: Path, base: CustomerBase
) -> dict[str, Evidence]:
    """The tables of earlier cases that the selection reads, written to `folder`. InvalidFile where `person` sees no
    such case, or it has no such wave."""
    written = {}
    for wanted in selection.earlier:
        with app.db.read() as tx:
            customers = _customers(app, tx, person, wanted, selection.as_of)
            if customers is None:
                customers = base.in_history(wanted, selection.as_of)
            if customers is None:
                raise InvalidFile([earlier_files.no_such_case(wanted.case)])
            written[wanted.table] = earlier_files.write(folder, wanted, customers)
    return written


def _customers(app: Countersign, tx: Connection, person: str, wanted: Wanted, until: datetime) -> Customers | None:
    """As the ledger and the answers know; None where only the history of contacts can: another system's case, or an
    outcome of its own words."""
    line = visibility.named(tx, person, wanted.case)
    if line is None and visibility.is_taken(tx, wanted.case):
        raise InvalidFile([earlier_files.no_such_case(wanted.case)])
    if line is None:
        return None
    waves_ = _waves(tx, line.id, wanted) if wanted.wave else None
    since = wanted.since.replace(tzinfo=UTC) if wanted.since else None
    known = partial(earlier.customers, tx, line.id, waves=waves_, since=since, until=until)
    metric = _metric(app, tx, line.id, wanted.outcome)
    if not metric:
        return known(wanted.outcome) if wanted.outcome in earlier.KNOWN else None
    if since is not None:
        message = f"case {wanted.case} measures {metric} without saying when it was"
        raise InvalidFile([Problem(code="D133", message=message, hint="leave within out")])
    from engine.warehouse.responses import outcome_files, outcomes_folder  # noqa: PLC0415  # DuckDB loads long

    measured = earlier_files.measured(outcome_files(outcomes_folder(app.settings.data, line.id)), metric)
    if wanted.outcome == "no_response":
        return (customer for customer in known("contacted") if customer not in measured)
    return measured if waves_ is None else measured.intersection(known("contacted"))


def _metric(app: Countersign, tx: Connection, case_id: str, outcome: str) -> str:
    """The outcome that a case measures by imported files, if this is one."""
    plan = app.definition(cases.load(tx, case_id).process).evaluation
    name = MEASURED.get(outcome, outcome)
    return name if plan is not None and name in plan.outcomes else ""


def _waves(tx: Connection, case_id: str, wanted: Wanted) -> tuple[str, ...]:
    there = waves.of_case(tx, case_id)
    found = tuple(row.id for row in there if row.name == wanted.wave)
    if not found:
        hint = f"it has {', '.join(row.name for row in there)}" if there else "it has none"
        raise InvalidFile([Problem(code="D132", message=f"case {wanted.case} has no wave {wanted.wave}", hint=hint)])
    return found
