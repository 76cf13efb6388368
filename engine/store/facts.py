"""What the facts are copied from: which cases and waves changed since, and the rows of those.

Every question is answered from the one snapshot that the caller reads. What changed is told by numbers that go up: the
entries of a case, the revision of a wave's rows. Responses and recommendations have none; theirs are a count, the
newest moment and how long their references are together. Refuses to write.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.machine.case import Case
from engine.store.columns import UtcTime
from engine.store.definitions import ENDED
from engine.store.moves import by_index
from engine.store.reports import left_the_house
from engine.store.tables import (
    cases,
    evaluations,
    history,
    recipients,
    recommendations,
    responses,
    snapshots,
    wave_sums,
    waves,
)
from engine.store.visibility import ids_of

AT_ONCE = 200_000
SOME = 500
"""How many cases or waves are asked about in one statement: SQLite takes no more than 999 values in some builds."""
RUNS = ("delivering", "paused", "evaluating")
"""States in which a case is on its way to its targets."""
APPROVED = ("approved", "filed", "targeting", "ready", "delivering")
_read_case = msgspec.json.Decoder(Case).decode
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class CaseTimes:
    """A case with when it was submitted first, approved first, and when it ended; None where it was not."""

    case: Case
    confidential: bool
    budget: Decimal | None
    reach: int | None
    submitted_at: datetime | None
    approved_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class WaveFacts:
    """A wave as its rows need it: what its messages cost is the case's and the channel's matter."""

    id: str
    case_id: str
    channel: str
    variant: str
    started_at: datetime | None
    segments: int


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The newest evaluation of a case, and the channels of its waves."""

    case_id: str
    label: str
    as_of: datetime
    report: str
    channels: tuple[str, ...]


def case_marks(tx: Connection) -> dict[str, str]:
    """The number of entries of every case."""
    return {case_id: str(seq) for case_id, seq in _plain(tx, sa.select(cases.c.id, cases.c.seq))}


def wave_marks(tx: Connection) -> dict[str, str]:
    """The revision of the rows of every wave that has any, with what its messages cost together."""
    columns = (wave_sums.c.wave, wave_sums.c.revision, waves.c.segments)
    rows = _plain(tx, sa.select(*columns).join(waves, waves.c.id == wave_sums.c.wave))
    return {wave: f"{revision}/{segments}" for wave, revision, segments in rows}


def running_marks(tx: Connection) -> dict[str, str]:
    """What tells that a case on its way to its targets is further: its entries and the revisions of its waves."""
    revisions = sa.func.coalesce(sa.func.sum(wave_sums.c.revision), 0)
    joined = cases.outerjoin(waves, waves.c.case_id == cases.c.id).outerjoin(wave_sums, wave_sums.c.wave == waves.c.id)
    query = sa.select(cases.c.id, cases.c.seq, revisions).select_from(joined).where(cases.c.state.in_(RUNS))
    return {case_id: f"{seq}/{sent}" for case_id, seq, sent in _plain(tx, query.group_by(cases.c.id, cases.c.seq))}


def response_marks(tx: Connection) -> dict[str, str]:
    """What tells that the responses to a case are others, of every case that has any."""
    length = sa.func.sum(sa.func.length(responses.c.reference) + sa.func.length(responses.c.customer))
    query = sa.select(responses.c.case_id, sa.func.count(), sa.cast(sa.func.max(responses.c.at), sa.String), length)
    return {case_id: "/".join(map(str, rest)) for case_id, *rest in _plain(tx, query.group_by(responses.c.case_id))}


def recommendation_marks(tx: Connection) -> dict[str, str]:
    """The same of recommendations that somebody saw."""
    one = recommendations.c
    moments = (sa.cast(sa.func.max(each), sa.String) for each in (one.shown_at, one.answered_at, one.proved_at))
    query = sa.select(one.case_id, sa.func.count(), sa.func.sum(sa.func.length(one.customer)), *moments)
    return {case_id: "/".join(map(str, rest)) for case_id, *rest in _plain(tx, query.group_by(one.case_id))}


def evaluation_marks(tx: Connection) -> dict[str, str]:
    """How many evaluations a case has, of every case that has any: none is changed or taken away."""
    query = sa.select(evaluations.c.case_id, sa.func.count()).group_by(evaluations.c.case_id)
    return {case_id: str(count) for case_id, count in _plain(tx, query)}


def evaluations_of(tx: Connection, ids: Sequence[str]) -> Iterator[Evaluated]:
    """The newest evaluation of each of these cases that has one."""
    for some in _pieces(ids):
        channels: dict[str, set[str]] = {}
        for case_id, channel in tx.execute(
            sa.select(waves.c.case_id, waves.c.channel).where(waves.c.case_id.in_(some))
        ):
            channels.setdefault(case_id, set()).add(channel)
        one = evaluations.c
        chosen = sa.select(one.case_id, one.label, one.as_of, one.report).where(one.case_id.in_(some))
        newest = {row.case_id: row for row in tx.execute(chosen.order_by(one.as_of, one.label))}
        for case_id, row in sorted(newest.items()):
            yield Evaluated(case_id, row.label, row.as_of, row.report, tuple(sorted(channels.get(case_id, ()))))


def cases_of(tx: Connection, ids: Sequence[str]) -> Iterator[CaseTimes]:
    """These cases, with their times by their histories."""
    for some in _pieces(ids):
        times = {row[0]: row[1:] for row in tx.execute(_times().where(history.c.case_id.in_(some)))}
        columns = (cases.c.body, cases.c.confidential, cases.c.budget, cases.c.reach)
        for body, *rest in tx.execute(sa.select(*columns).where(cases.c.id.in_(some))):
            case = _read_case(body)
            yield CaseTimes(case, *rest, *times.get(case.id, (None, None, None)))


def _times() -> Any:
    """By case: when it was submitted, came to an approved state and ended. Quotes in what people wrote are escaped, so
    such a text stands only where the chart moved."""

    def reached(states: Sequence[str]) -> sa.ColumnElement[bool]:
        return sa.or_(*(history.c.body.contains(f'"state":"{one}","type":"Moved"') for one in states))

    def first(where: sa.ColumnElement[bool]) -> Any:
        return sa.func.min(sa.case((where, history.c.at)), type_=UtcTime())

    last = sa.func.max(sa.case((reached(ENDED), history.c.at)), type_=UtcTime())
    columns = (first(history.c.kind == "Submit"), first(reached(APPROVED)), last)
    return sa.select(history.c.case_id, *columns).group_by(history.c.case_id)


def waves_of(tx: Connection, ids: Sequence[str]) -> tuple[WaveFacts, ...]:
    """These waves."""
    columns = (waves.c.id, waves.c.case_id, waves.c.channel, waves.c.variant, waves.c.started_at, waves.c.segments)
    return tuple(
        WaveFacts(*row)
        for some in _pieces(ids)
        for row in tx.execute(sa.select(*columns).where(waves.c.id.in_(some)).order_by(waves.c.id))
    )


def rows_of(tx: Connection, wave: str) -> Iterator[list[Row]]:
    """The rows of a wave in pieces: wave, row, customer, cell, state, reason, sent_at, settled_at in microseconds, and
    whether the message left the house."""
    by_index(tx)
    columns = recipients.c["wave", "row", "customer", "cell", "state", "reason"]
    left = sa.case((left_the_house(), 1), else_=0)
    chosen = sa.select(*columns, *(_moment(tx, c) for c in (recipients.c.sent_at, recipients.c.settled_at)), left)
    last = tx.execute(sa.select(sa.func.max(recipients.c.row)).where(recipients.c.wave == wave)).scalar()
    for first in range(0, 0 if last is None else last + 1, AT_ONCE):
        here = recipients.c.row.between(first, first + AT_ONCE - 1)
        piece = chosen.where(recipients.c.wave == wave, here).order_by(recipients.c.row)
        yield _plain(tx, piece)


def responses_of(tx: Connection, ids: Sequence[str]) -> Iterator[list[Row]]:
    """The responses of these cases: case, customer, kind, reference, moment, value."""
    one = responses.c
    for some in _pieces(ids):
        chosen = sa.select(one.case_id, one.customer, one.kind, one.reference, _moment(tx, one.at), _money(one.value))
        yield _plain(tx, chosen.where(one.case_id.in_(some)))


def recommendations_of(tx: Connection, ids: Sequence[str]) -> Iterator[list[Row]]:
    """What clerks saw of these cases: case, wave, row, customer, hall, clerk, shown, answer, reason, value, whether it
    was proved."""
    one = recommendations.c
    clerk = sa.case((one.answered_by != "", one.answered_by), else_=one.shown_by)
    proved = sa.case((sa.or_(one.evidence != "", one.confirmed_by != ""), 1), else_=0)
    columns = (one.case_id, one.wave, one.row, one.customer, one.office, clerk, _moment(tx, one.shown_at))
    for some in _pieces(ids):
        chosen = sa.select(*columns, one.answer, one.reason, _money(one.value), proved)
        yield _plain(tx, chosen.where(one.case_id.in_(some)))


def lists_of(tx: Connection, ids: Sequence[str]) -> dict[str, str]:
    """The folder of the newest frozen list of each of these cases that has one."""
    found: dict[str, str] = {}
    columns = (snapshots.c.case_id, snapshots.c.folder)
    for some in _pieces(ids):
        chosen = sa.select(*columns).where(snapshots.c.case_id.in_(some)).order_by(snapshots.c.frozen_at)
        found |= dict(tx.execute(chosen).tuples().all())
    return found


def every_case(tx: Connection) -> tuple[str, ...]:
    """The id of every case: for whoever may see all of them."""
    return ids_of(tx, sa.true())


def numbers_of(tx: Connection, ids: Sequence[str]) -> dict[str, str]:
    """The numbers of those of these cases that have one."""
    found: dict[str, str] = {}
    for some in _pieces(ids):
        chosen = sa.select(cases.c.id, cases.c.number).where(cases.c.id.in_(some), cases.c.number.is_not(None))
        found |= dict(tx.execute(chosen).tuples().all())
    return found


def _plain(tx: Connection, chosen: Any) -> list[Row]:
    """The rows as the driver gives them: making SQLAlchemy's of a million takes as long as reading them."""
    result = tx.execute(chosen)
    assert result.cursor is not None
    return list(result.cursor.fetchall())


def _moment(tx: Connection, column: Any) -> Any:
    """As microseconds since 1970: no time is made of it in Python. PostgreSQL's seconds are a double, which until the
    year 2106 tells one microsecond from the next."""
    if tx.dialect.name == "postgresql":
        return sa.cast(sa.func.round(sa.func.date_part("epoch", column) * 1_000_000), sa.BigInteger)
    text = sa.type_coerce(column, sa.String)  # 2026-11-30T04:47:30.833776+00:00
    micros = sa.cast(sa.func.substr(text, 21, 6), sa.Integer)
    return sa.cast(sa.func.strftime("%s", text), sa.Integer) * 1_000_000 + micros


def _money(column: Any) -> Any:
    return sa.cast(column, sa.String)


def _pieces(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[first : first + SOME] for first in range(0, len(ids), SOME))
