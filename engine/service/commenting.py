"""Comments on the fields of a proposal: by its submitter, by those who decide, by whoever reads the case.

A comment is seen by who sees the case and the field. Anybody who may write one may call it settled, and the name of who
did stands beside it. Refuses to change what was said.
"""

import hashlib

from sqlalchemy import Connection

from engine.errors import InvalidForm, NotFound, Problem
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.cases import load_visible
from engine.service.fields import hidden
from engine.service.showing import comments_view
from engine.service.views import CommentView, Viewer
from engine.store import comments

LONGEST = 1_000


def of_case(app: Countersign, viewer: Viewer, case_id: str) -> tuple[CommentView, ...]:
    """The comments on a case that the viewer sees."""
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
        return comments_view(app, tx, case, hidden(app, tx, viewer.person, case))


def add(app: Countersign, viewer: Viewer, case_id: str, field: str, text: str, *, key: str) -> str:
    """Say something about a field. The same `key` again says it once. Returns the comment's id."""
    authorize(viewer, "cases.act")
    text = text.strip()
    with app.db.begin() as tx:
        _seen_field(app, tx, viewer, case_id, field)
        if not text:
            raise InvalidForm([Problem("comment_missing", "write a comment", at="text")])
        if len(text) > LONGEST:
            fields = {"max": LONGEST, "length": len(text)}
            raise InvalidForm([Problem("form.too_long", f"at most {LONGEST} signs", at="text", fields=fields)])
        id_ = hashlib.sha256(f"{case_id}:{key}".encode()).hexdigest()[:32]
        comments.add(tx, comments.Comment(id_, case_id, field, viewer.person, text, app.now()))
    return id_


def settle(app: Countersign, viewer: Viewer, case_id: str, id_: str) -> None:
    """Note that a comment is settled; who did so first stays."""
    authorize(viewer, "cases.act")
    with app.db.begin() as tx:
        one = next((one for one in comments.of_case(tx, case_id) if one.id == id_), None)
        if one is None:
            raise NotFound()
        _seen_field(app, tx, viewer, case_id, one.field)
        comments.resolve(tx, id_, by=viewer.person, at=app.now())


def _seen_field(app: Countersign, tx: Connection, viewer: Viewer, case_id: str, field: str) -> None:
    case = load_visible(app, tx, viewer, case_id)
    fields = app.definition(case.process).proposal.fields
    if field not in fields or field in hidden(app, tx, viewer.person, case):
        raise NotFound()
