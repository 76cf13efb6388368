"""The cases that are about an offer, as far as a viewer sees them and their offer."""

from engine.service import fields, showing
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.offers import READS
from engine.service.views import CaseRow, Viewer
from engine.store import cases, visibility

SHOWN = 20
LOOKED_AT = 100


def cases_of(app: Countersign, viewer: Viewer, code: str) -> tuple[CaseRow, ...]:
    """Those changed last, 20 at most."""
    authorize(viewer, READS)
    with app.db.read() as tx:
        lines = visibility.about_offer(tx, viewer.person, code, limit=LOOKED_AT)
        found = {case.id: case for case in cases.load_many(tx, [line.id for line in lines])}
        shown = [
            line
            for line in lines
            if code in _texts(found[line.id].form.get("offer"))
            and "offer" not in fields.hidden(app, tx, viewer.person, found[line.id])
        ]
        return tuple(showing.case_row(app, tx, line, viewer.person) for line in shown[:SHOWN])


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]
