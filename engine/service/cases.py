"""A case as pages and API show it. The one place that puts together what the parts know of it."""

import msgspec
from sqlalchemy import Connection

from engine.errors import NotFound
from engine.machine.case import Case
from engine.service import delivering, evaluating, selecting, showing
from engine.service.app import Countersign
from engine.service.views import CaseRow, CaseView, Viewer, Waiting
from engine.store import cases, history, visibility


def load_visible(app: Countersign, tx: Connection, viewer: Viewer, case_id: str) -> Case:
    """The case, where the viewer may see it. NotFound otherwise: absent and not yours look the same."""
    if not visibility.may_see(tx, viewer.person, case_id):
        raise NotFound()
    case = cases.load(tx, case_id)
    if case is None:
        raise NotFound()
    return case


def case_page(app: Countersign, viewer: Viewer, case_id: str) -> CaseView:
    """Everything of the case page. NotFound where the viewer may not see it."""
    with app.db.read() as tx:
        return case_view(app, tx, viewer, load_visible(app, tx, viewer, case_id))


def listed(app: Countersign, viewer: Viewer, query: str = "", state: str = "") -> tuple[CaseRow, ...]:
    """The viewer's visible cases, newest change first, 100 at most; `query` looks in title and number."""
    with app.db.read() as tx:
        rows = cases.listed(tx, viewer.person, query=query.strip(), state=state)
        return tuple(showing.case_row(app, tx, row) for row in rows)
