"""Makes the planned evaluations of a case and shows those that are there. Written once per label.

The report is stored before the case is told of it, so a crash between the two repeats the telling, not the counting.
Late responses go into the next evaluation. Refuses to change a stored report.
"""

from dataclasses import replace

import msgspec
from sqlalchemy import Connection

from engine.machine.case import Case
from engine.machine.commands import Evaluated
from engine.machine.funding import FIELD
from engine.service import closed, running
from engine.service.app import Countersign
from engine.service.stage_views import EvaluationView
from engine.store import cases, reports
from engine.store.cases import Locked
from engine.store.reports import Stored
from engine.values import canonical_json, digest_of


def evaluate(app: Countersign, case_id: str, label: str, last: bool, key: str) -> None:
    """Make the evaluation planned as `label` and tell the case; with the same `key` again nothing changes."""
    with app.db.read() as tx:
        case = cases.load(tx, case_id)
        stored = reports.find_evaluation(tx, case_id, label)
    if stored is None:
        # statsmodels takes 1.3 s to import, and only an evaluation needs it: pages start without.
        from engine.service.reporting import report_on  # noqa: PLC0415

        report = report_on(app, case, label)
        fresh = Stored(label, report.as_of, canonical_json(report).decode(), digest_of(report))
        with app.db.begin() as tx:
            stored = reports.store_evaluation(tx, case_id, fresh)
    verdict = _read(stored).verdict
    told = Evaluated(actor="system", via="timer", label=label, digest=stored.digest, verdict=verdict, last=last)
    if not (last and closed.is_unsigned(app, case) and case.state == "evaluating"):
        running.carry_out(app, case_id, told, key=key)
        return
    keep = closed.closes_itself(app, case)

    def close(locked: Locked) -> Evaluated:
        keep(locked)
        return told

    running.carry_out(app, case_id, close, key=key)


def evaluations_view(
    app: Countersign, tx: Connection, case: Case, unseen: frozenset[str]
) -> tuple[EvaluationView, ...]:
    """The stored evaluations of a case, oldest first. Who does not see the budget or the number of customers that the
    proposal declares is not told what was planned from them."""
    audience = app.definition(case.process).audience
    planned_from = {FIELD, audience.drift.source} if audience and audience.drift else {FIELD}
    found = tuple(_read(stored) for stored in reports.evaluations_of(tx, case.id))
    return found if unseen.isdisjoint(planned_from) else tuple(replace(one, money=None) for one in found)


def _read(stored: Stored) -> EvaluationView:
    return replace(msgspec.json.decode(stored.report, type=EvaluationView), digest=stored.digest)
