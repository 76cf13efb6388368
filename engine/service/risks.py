"""What is unusual about a proposal: figures outside those of similar cases of the past year (同类案).

Similar is: the same kind of case, at the same office, submitted, not withdrawn, and visible to who is told. Refuses to
call a figure unusual where fewer than five such cases stand behind it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Connection

from engine.machine.case import Case
from engine.service.app import Countersign
from engine.service.fields import hidden
from engine.service.sheet_views import Risk
from engine.service.views import Viewer
from engine.store import cases, visibility

YEAR = timedelta(days=365)
FEWEST, MOST = 5, 50
ABOVE, BELOW = ("money", "int"), ("decimal",)  # what is unusual: much of the first, little of the second (a discount)


def risks(app: Countersign, tx: Connection, viewer: Viewer, case: Case) -> tuple[Risk, ...]:
    """The unusual figures of a case, each with what it is compared with; none for the submitter."""
    if viewer.person == case.submitter:
        return ()
    lines = visibility.similar(
        tx, viewer.person, case.id, definition=case.process.name, office=case.office, since=app.now() - YEAR, limit=MOST
    )
    if len(lines) < FEWEST:
        return ()
    others = [one.form for one in _seen(app, tx, viewer, cases.load_many(tx, [line.id for line in lines]))]
    return tuple(_outside(app, case, others, hidden(app, tx, viewer.person, case)))


def _seen(app: Countersign, tx: Connection, viewer: Viewer, found: Iterable[Case]) -> Iterator[Case]:
    """The cases whose fields the viewer sees all of."""
    return (one for one in found if not hidden(app, tx, viewer.person, one))


def _outside(app: Countersign, case: Case, others: list[dict[str, Any]], unseen: frozenset[str]) -> Iterator[Risk]:
    for name, field in app.definition(case.process).proposal.fields.items():
        value = _number(case.form, name)
        if field.type not in (*ABOVE, *BELOW) or value is None or name in unseen:
            continue
        known = [number for other in others if (number := _number(other, name)) is not None]
        if len(known) < FEWEST:
            continue
        currency = getattr(field, "currency", "")
        if field.type in ABOVE and value > max(known):
            yield Risk("above", field.label, field.type, currency, value, max(known), len(known))
        if field.type in BELOW and value < min(known):
            yield Risk("below", field.label, field.type, currency, value, min(known), len(known))


def _number(form: Mapping[str, Any], name: str) -> Decimal | None:
    value = form.get(name)
    try:
        return None if value in (None, "") else Decimal(str(value))
    except InvalidOperation:
        return None
