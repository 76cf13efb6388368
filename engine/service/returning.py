"""What came back to a case: replies for its submitter, how many followed a link, orders with and without evidence.

Texts of replies are for those who see the case, numbers are masked. Refuses to show a text whose key is not here.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from engine.errors import NotFound
from engine.machine.case import Case
from engine.service import evidencing
from engine.service.app import Countersign
from engine.service.cases import load_visible
from engine.service.evidencing import Unproved
from engine.service.replying import TEXT
from engine.service.sealing import unseal
from engine.service.views import Viewer
from engine.store import clicks, orders, replies, reports


@dataclass(frozen=True, slots=True)
class ReplyView:
    """One reply. `shown` is the masked sender, `meaning` opt_out, opt_in or other."""

    reference: str
    shown: str
    meaning: str
    text: str
    at: datetime
    is_read: bool


@dataclass(frozen=True, slots=True)
class Returned:
    """`followed`: messages whose link a person followed, of whom `looks` and of machines `machine_looks` are known.
    `after`: orders that were counted after the newest evaluation, and stand in none; `late`: after the case was closed.
    `may_read`: the viewer is the one whom the replies are for. `unproved`: acceptances in halls without evidence, which
    do not count as conversions; the newest stand in `unproved_rows`, for the submitter alone."""

    replies: tuple[ReplyView, ...]
    opt_outs: int
    opt_ins: int
    others: int
    unread: int
    followed: int
    looks: int
    machine_looks: int
    orders: int
    unconfirmed: int
    late: int
    after: int
    may_read: bool
    unproved: int = 0
    unproved_rows: tuple[Unproved, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing came back yet."""
        return not (
            self.replies
            or self.looks
            or self.machine_looks
            or self.orders
            or self.unconfirmed
            or self.late
            or self.unproved
        )


def of_case(app: Countersign, viewer: Viewer, case_id: str) -> Returned:
    """What came back to the case, its newest replies first. NotFound where the viewer does not see it."""
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
        return _returned(app, tx, case, may_read=case.submitter == viewer.person)


def mark_read(app: Countersign, viewer: Viewer, case_id: str) -> int:
    """The submitter has read the case's replies; how many were new."""
    with app.db.begin() as tx:
        case = load_visible(app, tx, viewer, case_id)
        if case.submitter != viewer.person:
            raise NotFound()
        return replies.mark_read(tx, case.id, by=viewer.person, at=app.now())


def _returned(app: Countersign, tx: Connection, case: Case, *, may_read: bool) -> Returned:
    case_id = case.id
    unproved, unproved_rows = evidencing.of_case(app, tx, case)
    counts = replies.counts(tx, case_id)
    evaluations = reports.evaluations_of(tx, case_id)
    followed, looks, machine_looks = clicks.of_case(tx, case_id)
    booked = orders.counts(tx, case_id, since=evaluations[-1].as_of if evaluations else None)
    rows = replies.of_case(tx, case_id)
    return Returned(
        replies=tuple(
            ReplyView(
                row.reference,
                row.shown,
                row.meaning,
                unseal(app.settings, TEXT, row.text) or "",
                row.at,
                row.read_at is not None,
            )
            for row in rows
        ),
        opt_outs=counts.get("opt_out", 0),
        opt_ins=counts.get("opt_in", 0),
        others=counts.get("other", 0),
        unread=counts["unread"],
        followed=followed,
        looks=looks,
        machine_looks=machine_looks,
        orders=booked.get("counted", 0),
        unconfirmed=booked.get("unconfirmed", 0),
        late=booked.get("late", 0),
        after=booked["after"],
        may_read=may_read,
        unproved=unproved,
        unproved_rows=unproved_rows if may_read else (),
    )
