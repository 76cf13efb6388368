"""The rehearsals (预演) of a case, for its page and its approval sheet."""

from sqlalchemy import Connection

from engine.machine.case import Case
from engine.service.app import Countersign
from engine.service.rehearsal_views import RehearsalLine, line_of
from engine.store import cases, rehearsals
from engine.store.rehearsals import RehearsalRow


def of_case(app: Countersign, tx: Connection, case: Case, unseen: frozenset[str]) -> tuple[RehearsalLine, ...]:
    """Of each version of a tariff the one made last, the newest first; none for who does not see the case's offer."""
    if "offer" in unseen:
        return ()
    newest: dict[tuple[str, int], RehearsalRow] = {}
    for row in rehearsals.of_case(tx, case.id):
        newest.setdefault((row.offer, row.version), row)
    return tuple(line(app, tx, row) for row in newest.values())


def line(app: Countersign, tx: Connection, row: RehearsalRow) -> RehearsalLine:
    """A rehearsal as lists show it."""
    about = str(cases.load(tx, row.case_id).form.get("offer") or "") if row.case_id else row.offer
    return line_of(row, app.organisation(tx).name(row.made_by), other_offer=about not in ("", row.offer))
