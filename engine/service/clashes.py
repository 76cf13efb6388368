"""What runs at the same time: cases of the same office whose days overlap and that share an offer, category or channel.

It tells and refuses nothing: whether two cases disturb each other is for people to judge.
"""

from sqlalchemy import Connection

from engine.machine.case import Case
from engine.service import showing
from engine.service.app import Countersign
from engine.service.fields import hidden
from engine.service.views import ClashView
from engine.store import cases, marks
from engine.store.definitions import ENDED

SHARED = ("offer", "category", "channels")
LOOKED_AT = 50


def clashes_of(app: Countersign, tx: Connection, person: str, case: Case) -> tuple[ClashView, ...]:
    """The cases that `person` may see which clash with this one, by their first day."""
    window = app.definition(case.process).proposal.window(case.form)
    if window is None:
        return ()
    wanted = marks.Wanted(person, *window, office=case.office, without=("draft", *ENDED))
    beside = marks.running(tx, wanted, limit=LOOKED_AT)
    others = {other.id: other for other in cases.load_many(tx, [one.line.id for one in beside])}
    found = []
    for one in beside:
        other = others[one.line.id]
        unseen = hidden(app, tx, person, other) if other.id != case.id else frozenset()
        shares = tuple(name for name in SHARED if name not in unseen and _texts(case, name) & _texts(other, name))
        if other.id != case.id and shares:
            found.append(ClashView(showing.case_row(app, tx, one.line, person), one.starts, one.ends, shares))
    return tuple(found)


def _texts(case: Case, name: str) -> frozenset[str]:
    value = case.form.get(name)
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset([str(value)] if value else [])
