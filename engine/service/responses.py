"""Takes in what customers did: responses, conversions, opt-outs, complaints, and outcomes measured elsewhere.

A file may be imported any number of times; what is there already stays and is counted as known. A conversion counts
once the file says how the customer confirmed it; without, it is kept as unconfirmed until its row comes with that.
Refuses files for a case that is closed: its numbers are final.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from engine.errors import NotFound, NotPossible
from engine.machine.case import Case
from engine.service.answered import keep
from engine.service.app import Countersign
from engine.service.case_costs import currency_of
from engine.service.cases import load_visible
from engine.service.optouts import OPEN_STATES, takes_answers
from engine.service.sealing import dataset_of
from engine.service.views import Viewer
from engine.store import orders, reports, snapshots
from engine.store.orders import OrderRow
from engine.store.reports import ResponseRow
from engine.warehouse import erased
from engine.warehouse.lists import KEY
from engine.warehouse.responses import Expected, Response, keep_outcomes, outcomes_folder, read_answers
from engine.warehouse.rows import BadRow

CUSTOMERS = "customers"
LONGEST_ID = 70


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file of `rows` rows. `recorded` responses are new, `known` were there; `outcomes` are values of
    measured outcomes; `outside` rows are about customers who are not in the case; `bad` names every row left out.
    `unconfirmed` are the lines of conversions without evidence, which are kept and do not count."""

    rows: int
    recorded: int
    known: int
    outcomes: int
    outside: int
    bad: tuple[BadRow, ...]
    unconfirmed: tuple[int, ...] = ()


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
    with app.db.begin() as tx:
        open_ones = _unconfirmed(tx, case_id, answers.responses)
        waiting = {one.reference for one in open_ones}
        counting = [one for one in answers.responses if one.kind != "conversion" or one.reference not in waiting]
        rows = [ResponseRow(one.customer, one.kind, one.at, one.value, one.reference) for one in counting]
        recorded = keep(app, tx, case_id, rows, source="import", by=viewer.person)
        booked = [_order(case_id, one) for one in (*open_ones, *counting) if one.kind == "conversion"]
        orders.keep_many(tx, [one for one in booked if one.state == "unconfirmed"], at=app.now())
        orders.keep_many(tx, [one for one in booked if one.state == "counted" and one.how], at=app.now())
    return ImportReport(
        rows=answers.rows,
        recorded=recorded,
        known=len(rows) - recorded,
        outcomes=answers.outcomes.num_rows,
        outside=answers.outside,
        bad=answers.bad,
        unconfirmed=tuple(one.line for one in open_ones),
    )


def _unconfirmed(tx: Connection, case_id: str, found: Sequence[Response]) -> list[Response]:
    """Conversions of the file that do not count: neither the file nor one before it says how they were confirmed."""
    asked = [one for one in found if one.is_unconfirmed]
    if not asked:
        return []
    known = reports.references(tx, case_id, "conversion") | {one.reference for one in found if one.confirmed_at}
    return [one for one in asked if one.reference not in known]


def _order(case_id: str, one: Response) -> OrderRow:
    name = one.reference if len(one.reference) <= LONGEST_ID else hashlib.sha256(one.reference.encode()).hexdigest()
    return OrderRow(
        case_id=case_id,
        reference=f"file:{name}",
        customer=one.customer,
        at=one.at,
        value=one.value,
        how=one.how,
        confirmed_at=one.confirmed_at,
        confirmation=one.confirmation,
        state="counted" if one.confirmed_at else "unconfirmed",
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
    definition = app.definition(case.process)
    plan = definition.evaluation
    return Expected(
        audience=app.settings.data / snapshot.folder / "list.parquet",
        key=_key_heading(app),
        outcomes={} if plan is None else plan.outcomes,
        since=snapshot.frozen_at,
        until=app.now(),
        zone=app.settings.zone,
        is_erased=erased.asks(dataset_of(app.settings)),
        currency=currency_of(definition),
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
