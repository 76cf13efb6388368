"""Takes in what customers did: responses, conversions, opt-outs, complaints, and outcomes measured elsewhere.

A file may be imported any number of times; what is there already stays and is counted as known. Refuses files for a
case that is closed: its numbers are final.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from engine.errors import NotFound, NotPossible
from engine.machine.case import Case
from engine.service.answered import keep
from engine.service.app import Countersign
from engine.service.cases import load_visible
from engine.service.optouts import OPEN_STATES, takes_answers
from engine.service.sealing import dataset_of
from engine.service.views import Viewer
from engine.store import snapshots
from engine.store.reports import ResponseRow
from engine.warehouse import erased
from engine.warehouse.lists import KEY
from engine.warehouse.responses import Expected, keep_outcomes, outcomes_folder, read_answers
from engine.warehouse.rows import BadRow

CUSTOMERS = "customers"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file of `rows` rows. `recorded` responses are new, `known` were there; `outcomes` are values of
    measured outcomes; `outside` rows are about customers who are not in the case; `bad` names every row left out."""

    rows: int
    recorded: int
    known: int
    outcomes: int
    outside: int
    bad: tuple[BadRow, ...]


def import_responses(app: Countersign, viewer: Viewer, case_id: str, file: Path | bytes) -> ImportReport:
    """Import a CSV file (plain or gzip) of responses or of outcomes; the good rows count, the bad ones are named.

    Only the submitter may. Raises InvalidFile for a file of neither shape (engine.warehouse.responses has both),
    NotPossible before delivery and after close-out. The same file again changes nothing. Who opts out stands on the
    blacklist from then on, also for waves that are queued.
    """
    with app.db.read() as tx:
        expected = _expected(app, tx, _open_case(app, tx, viewer, case_id))
    with _on_disk(file) as path:
        answers = read_answers(path, expected)
    if answers.outcomes.num_rows:
        keep_outcomes(outcomes_folder(app.settings.data, case_id), answers.outcomes)
    rows = [ResponseRow(one.customer, one.kind, one.at, one.value, one.reference) for one in answers.responses]
    with app.db.begin() as tx:
        recorded = keep(app, tx, case_id, rows, source="import", by=viewer.person)
    return ImportReport(
        rows=answers.rows,
        recorded=recorded,
        known=len(rows) - recorded,
        outcomes=answers.outcomes.num_rows,
        outside=answers.outside,
        bad=answers.bad,
    )


def _open_case(app: Countersign, tx: Connection, viewer: Viewer, case_id: str) -> Case:
    case = load_visible(app, tx, viewer, case_id)
    if case.submitter != viewer.person:
        raise NotFound()
    if not takes_answers(case):
        raise NotPossible(
            action="import responses", state=case.state, possible="import while " + ", ".join(OPEN_STATES)
        )
    return case


def _expected(app: Countersign, tx: Connection, case: Case) -> Expected:
    snapshot = snapshots.newest(tx, case.id)
    if snapshot is None:
        raise NotPossible(action="import responses", state=case.state, possible="freeze an audience first")
    plan = app.definition(case.process).evaluation
    return Expected(
        audience=app.settings.data / snapshot.folder / "list.parquet",
        key=_key_heading(app),
        outcomes={} if plan is None else plan.outcomes,
        since=snapshot.frozen_at,
        until=app.now(),
        zone=app.settings.zone,
        is_erased=erased.asks(dataset_of(app.settings)),
    )


def _key_heading(app: Countersign) -> str:
    """How the file that the customers came from called their key ("row" where the rows were numbered)."""
    if app.settings.customers:
        return KEY  # a server's customers came by no file
    customers = dataset_of(app.settings).current().tables.get(CUSTOMERS)
    headings = [] if customers is None else [column.heading for column in customers.columns if column.name == KEY]
    return next(iter(headings), "") or KEY


@contextmanager
def _on_disk(file: Path | bytes) -> Iterator[Path]:
    if isinstance(file, Path):
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="countersign-") as folder:
        path = Path(folder) / "responses.csv"
        path.write_bytes(file)
        yield path
