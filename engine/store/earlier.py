"""The customers of an earlier case by what became of them: of the ledger and of what they answered.

Refuses to say who may ask: that is the service's to look at first.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from engine.store.columns import UtcTime
from engine.store.reports import left_the_house
from engine.store.tables import recipients, responses

AT_ONCE = 20_000
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "responded": ("response", "conversion"),
    "converted": ("conversion",),
    "opted_out": ("opt_out",),
    "complained": ("complaint",),
}
"""Outcome -> kinds of answers. Who bought has answered."""

_contact = sa.func.coalesce(recipients.c.sent_at, recipients.c.settled_at, type_=UtcTime())
_settled = sa.func.coalesce(recipients.c.settled_at, recipients.c.sent_at, type_=UtcTime())
_STATES: Mapping[str, tuple[ColumnElement[bool], ColumnElement[datetime]]] = {
    "contacted": (left_the_house(), _contact),
    "delivered": (recipients.c.state == "delivered", _settled),
    "failed": (recipients.c.state == "failed", _settled),
    "unknown": (recipients.c.state == "unknown", _settled),
    "suppressed": (recipients.c.state == "suppressed", _settled),
    "cancelled": (recipients.c.state == "cancelled", _settled),
}
KNOWN = (*_STATES, *ANSWERS, "no_response")
"""The outcomes that the ledger and the answers know."""


def customers(
    tx: Connection, case_id: str, outcome: str, *, waves: Sequence[str] | None, since: datetime | None, until: datetime
) -> Iterator[str]:
    """The customers with one of KNOWN outcomes between `since` and `until`, each once, in no order; streamed.

    `waves` are ids; None stands for all of the case.
    """
    made: Callable[..., sa.Select[tuple[str]]] = _answered if outcome in ANSWERS else _in_ledger
    chosen = made(case_id, outcome, waves, since, until)
    yield from tx.execute(chosen.execution_options(yield_per=AT_ONCE)).scalars()


def _in_ledger(
    case_id: str, outcome: str, waves: Sequence[str] | None, since: datetime | None, until: datetime
) -> sa.Select[tuple[str]]:
    holds, moment = _STATES["contacted" if outcome == "no_response" else outcome]
    chosen = sa.select(recipients.c.customer).distinct()
    chosen = chosen.where(recipients.c.case_id == case_id, holds, _within(moment, since, until))
    if waves is not None:
        chosen = chosen.where(recipients.c.wave.in_(waves))
    if outcome == "no_response":
        answered = _answered(case_id, "responded", None, None, until)
        chosen = chosen.where(recipients.c.customer.not_in(answered))
    return chosen


def _answered(
    case_id: str, outcome: str, waves: Sequence[str] | None, since: datetime | None, until: datetime
) -> sa.Select[tuple[str]]:
    chosen = sa.select(responses.c.customer).distinct()
    chosen = chosen.where(
        responses.c.case_id == case_id,
        responses.c.kind.in_(ANSWERS[outcome]),
        _within(responses.c.at, since, until),
    )
    if waves is not None:
        of_waves = sa.select(recipients.c.customer).where(recipients.c.case_id == case_id, recipients.c.wave.in_(waves))
        chosen = chosen.where(responses.c.customer.in_(of_waves))
    return chosen


def _within(moment: ColumnElement[datetime], since: datetime | None, until: datetime) -> ColumnElement[bool]:
    not_later = sa.or_(moment.is_(None), moment <= until)
    return not_later if since is None else sa.and_(moment > since, moment <= until)
