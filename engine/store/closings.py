"""How cases were closed out, as rows; the case library over them; and the lines that a report was made from, streamed.

A closing is written once and never changed. Refuses to say who may see a case: `visibility` does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from engine.store.lines import CASE_COLUMNS, CaseLine, case_line
from engine.store.marks import of_office
from engine.store.session import inserting
from engine.store.tables import cases, closings, evaluations, recipients, responses, timers
from engine.store.visibility import visible

AT_ONCE = 20_000
EVALUATING = "evaluating"
SHOWN = 20
_COLUMNS = [column for column in closings.c if column.name != "words"]


@dataclass(frozen=True, slots=True)
class Closing:
    """How a case was closed out. `signed_by` is empty where it closed by itself; without an evaluation `as_of` is None
    and `report`, `inputs`, `digest` and `verdict` are empty. `channels` is ,sms,hall, or empty."""

    case_id: str
    closed_at: datetime
    signed_by: str = ""
    as_of: datetime | None = None
    report: str = ""
    inputs: str = ""
    digest: str = ""
    verdict: str = ""
    worked: str = ""
    failed: str = ""
    repeat: str = ""
    in_library: bool = True
    category: str = ""
    channels: str = ""


@dataclass(frozen=True, slots=True)
class Sought:
    """Which cases of the library. `words` look in title, lessons, both also in pinyin, and number."""

    words: str = ""
    definition: str = ""
    office: str = ""
    category: str = ""
    channel: str = ""
    verdict: str = ""
    since: datetime | None = None
    until: datetime | None = None


def put(tx: Connection, closing: Closing, words: str) -> None:
    """Keep how a case was closed; where that is kept already, nothing changes."""
    values: dict[str, Any] = {name: getattr(closing, name) for name in Closing.__slots__}
    tx.execute(inserting(tx, closings).values(**values, words=words).on_conflict_do_nothing())


def find(tx: Connection, case_id: str) -> Closing | None:
    """How the case was closed, None where it was not."""
    row = tx.execute(sa.select(*_COLUMNS).where(closings.c.case_id == case_id)).one_or_none()
    return None if row is None else Closing(*row)


def id_of(tx: Connection, name: str) -> str | None:
    """The id of the closed case with this id or number, whoever may see it."""
    query = sa.select(cases.c.id).join(closings, closings.c.case_id == cases.c.id)
    return tx.execute(query.where(sa.or_(cases.c.id == name, cases.c.number == name))).scalar_one_or_none()


def library(
    tx: Connection, person: str, sought: Sought, *, limit: int, offset: int
) -> tuple[tuple[CaseLine, Closing], ...]:
    """Closed cases that `person` may see, the last closed first."""
    query = (
        sa.select(*CASE_COLUMNS, *_COLUMNS)
        .join(closings, closings.c.case_id == cases.c.id)
        .where(closings.c.in_library, visible(person), *_parts(sought))
        .order_by(closings.c.closed_at.desc(), closings.c.case_id)
        .limit(limit)
        .offset(offset)
    )
    count = len(CASE_COLUMNS)
    return tuple(
        (case_line(row[:count]), Closing(*row[count:]))  # type: ignore[arg-type]
        for row in tx.execute(query)
    )


def stands_there(tx: Connection, case_id: str) -> bool:
    """Whether the case stands in the library, whoever may see it."""
    query = sa.select(closings.c.case_id).where(closings.c.case_id == case_id, closings.c.in_library)
    return tx.execute(query).first() is not None


def categories(tx: Connection, person: str) -> tuple[str, ...]:
    """The categories of the cases of the library that `person` may see."""
    there = sa.select(closings.c.category).distinct().where(closings.c.category != "").subquery()
    seen = (closings.c.category == there.c.category, closings.c.in_library, cases.c.id == closings.c.case_id)
    found = sa.select(there.c.category).where(sa.exists().where(*seen, visible(person)))
    return tuple(tx.execute(found.order_by(there.c.category).limit(100)).scalars())


def to_close(tx: Connection, person: str) -> tuple[tuple[str, str, str], ...]:
    """(id, number, title) of a submitter's cases whose every evaluation is there and that wait to be closed, the one
    that waits longest first."""
    armed = (timers.c.case_id == cases.c.id, timers.c.state == "armed", timers.c.name.startswith("evaluate:"))
    planned = sa.exists().where(*armed)
    made = sa.exists().where(evaluations.c.case_id == cases.c.id)
    query = (
        sa.select(cases.c.id, cases.c.number, cases.c.title)
        .where(cases.c.submitter == person, cases.c.state == EVALUATING, made, ~planned)
        .order_by(cases.c.updated_at, cases.c.id)
        .limit(SHOWN)
    )
    return tuple((case_id, number or "", title or "") for case_id, number, title in tx.execute(query))


def ledger_lines(tx: Connection, case_id: str, until: datetime) -> Iterator[str]:
    """Every row of the case's ledger as it was at `until`, in order. What was settled later was out then."""
    columns = (
        recipients.c.wave,
        recipients.c.row,
        recipients.c.customer,
        recipients.c.cell,
        recipients.c.state,
        recipients.c.reason,
        recipients.c.settled_at,
    )
    query = sa.select(*columns).where(recipients.c.case_id == case_id).order_by(recipients.c.wave, recipients.c.row)
    for wave, row, customer, cell, state, reason, settled_at in tx.execute(query.execution_options(yield_per=AT_ONCE)):
        then = (state, reason) if settled_at is None or settled_at <= until else ("sent", "")
        yield "\t".join((wave, str(row), customer, cell, *then))


def response_lines(tx: Connection, case_id: str, since: datetime, until: datetime) -> Iterator[str]:
    """Every answer of the case's customers in that time, in an order that is the same on every database."""
    columns = (responses.c.kind, responses.c.reference, responses.c.customer, responses.c.at, responses.c.value)
    query = sa.select(*columns).where(responses.c.case_id == case_id, responses.c.at >= since, responses.c.at <= until)
    found = [
        "\t".join((kind, reference, customer, _moment(at), "" if value is None else f"{value:.2f}"))
        for kind, reference, customer, at, value in tx.execute(query.execution_options(yield_per=AT_ONCE))
    ]
    yield from sorted(found)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _parts(sought: Sought) -> Iterator[ColumnElement[bool]]:
    if sought.words:
        in_words = closings.c.words.contains(sought.words.casefold(), autoescape=True)
        in_title = cases.c.title.icontains(sought.words, autoescape=True)
        yield sa.or_(in_words, in_title, cases.c.number == sought.words)
    if sought.definition:
        yield cases.c.definition == sought.definition
    if sought.office:
        yield of_office(sought.office)
    if sought.category:
        yield closings.c.category == sought.category
    if sought.channel:
        yield closings.c.channels.contains(f",{sought.channel},", autoescape=True)
    if sought.verdict:
        yield closings.c.verdict == sought.verdict
    if sought.since is not None:
        yield closings.c.closed_at >= sought.since
    if sought.until is not None:
        yield closings.c.closed_at < sought.until
