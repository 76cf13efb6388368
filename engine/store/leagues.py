"""What league tables count, in the database: recommendations by hall and clerk, calls by caller, messages by office and
channel.

Every count is over cases that the person may see, of offices under `roots`. The cases are found once and not asked for
each row of the ledger. Messages are counted by the sums that each wave keeps, so a million recipients cost what ten do;
who answered is looked up by the ledger's index. Refuses to rank.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from engine.delivery.calls import ANSWERS
from engine.evaluation.leagues import Kind, Tally
from engine.store.completion import OUT
from engine.store.moves import room_to_count
from engine.store.tables import (
    call_attempts,
    cases,
    offices,
    recipients,
    recommendations,
    responses,
    wave_sums,
    waves,
)
from engine.store.visibility import visible

HANDED_OVER = ("sent", "delivered", "failed", "unknown")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is counted for whom. `roots` are the offices at and under which the person may look, None for all; `office`
    and `definition` narrow it, empty for any. Times are from `since` up to, without, `until`."""

    person: str
    kind: Kind
    metric: str
    since: datetime
    until: datetime
    roots: tuple[str, ...] | None = None
    office: str = ""
    definition: str = ""


def tallies(tx: Connection, wanted: Wanted) -> tuple[Tally, ...]:
    """Tries and successes by key: an office's code, a channel, `PERSON@OFFICE` of clerks, a caller's account."""
    room_to_count(tx)
    match wanted.kind:
        case "halls" | "clerks":
            return _recommended(tx, wanted)
        case "agents":
            return _called(tx, wanted)
        case "offices" | "channels":
            return _sent(tx, wanted)


def _recommended(tx: Connection, wanted: Wanted) -> tuple[Tally, ...]:
    clerk = sa.func.coalesce(sa.func.nullif(recommendations.c.answered_by, ""), recommendations.c.shown_by)
    is_hall = wanted.kind == "halls"
    key = recommendations.c.office if is_hall else clerk + "@" + recommendations.c.office
    took = recommendations.c.answer == "accept"
    success = {
        "accepted": took,
        "confirmed": took & (recommendations.c.evidence != ""),
        "answered": recommendations.c.answer != "",
    }[wanted.metric]
    where = (
        _within(recommendations.c.shown_at, wanted),
        _allowed(recommendations.c.office, wanted),
        recommendations.c.case_id.in_(_seen(wanted)),
    )
    return _read(tx, sa.select(key, sa.func.count(), _count(success)).where(*where).group_by(key))


def _called(tx: Connection, wanted: Wanted) -> tuple[Tally, ...]:
    """A customer counts once for a caller, however often they tried."""
    good = ("accepted",) if wanted.metric == "accepted" else (*ANSWERS, "call_back")
    each = (
        sa.select(
            call_attempts.c.caller,
            sa.func.max(sa.case((call_attempts.c.disposition.in_(good), 1), else_=0)).label("success"),
        )
        .where(
            _within(call_attempts.c.at, wanted),
            call_attempts.c.case_id.in_(_seen(wanted).where(_allowed(cases.c.office, wanted))),
        )
        .group_by(call_attempts.c.caller, call_attempts.c.wave, call_attempts.c.row)
        .subquery()
    )
    return _read(tx, sa.select(each.c.caller, sa.func.count(), sa.func.sum(each.c.success)).group_by(each.c.caller))


def _sent(tx: Connection, wanted: Wanted) -> tuple[Tally, ...]:
    """Messages: who was contacted over two channels counts for each. What failed is tried for `delivered` alone."""
    key = cases.c.office if wanted.kind == "offices" else waves.c.channel
    tried = HANDED_OVER if wanted.metric == "delivered" else OUT
    count = sum((wave_sums.c[state] for state in tried[1:]), wave_sums.c[tried[0]])
    of_waves = waves.join(cases, cases.c.id == waves.c.case_id).join(wave_sums, wave_sums.c.wave == waves.c.id)
    where = (_within(waves.c.started_at, wanted), waves.c.case_id.in_(_seen(wanted)), _allowed(cases.c.office, wanted))
    summed = sa.select(key, sa.func.sum(count), sa.func.sum(wave_sums.c.delivered)).select_from(of_waves).where(*where)
    found = _read(tx, summed.group_by(key))
    if wanted.metric == "delivered":
        return found
    answered = _answered(tx, wanted)
    return tuple(Tally(one.key, one.n, min(answered.get(one.key, 0), one.n)) for one in found)


def _answered(tx: Connection, wanted: Wanted) -> dict[str, int]:
    """Messages whose customer did so, by key. Which wave a customer got is looked up for each of them by the index of
    case, channel and customer: as a join, SQLite reads the whole ledger."""
    begun = (
        sa.select(waves.c.case_id, waves.c.channel)
        .where(_within(waves.c.started_at, wanted), waves.c.case_id.in_(_seen(wanted)))
        .distinct()
        .cte("begun")
    )
    who = (
        sa.select(responses.c.case_id, responses.c.customer)
        .where(responses.c.kind == wanted.metric, responses.c.case_id.in_(sa.select(begun.c.case_id)))
        .distinct()
        .subquery("who")
    )
    got = (
        sa.select(recipients.c.wave)
        .where(
            recipients.c.case_id == who.c.case_id,
            recipients.c.channel == begun.c.channel,
            recipients.c.customer == who.c.customer,
            recipients.c.state.in_(OUT),
        )
        .scalar_subquery()
    )
    each = (
        sa.select(who.c.case_id, begun.c.channel, got.label("wave"))
        .join(begun, begun.c.case_id == who.c.case_id)
        .cte("each_one")
        .prefix_with("MATERIALIZED", dialect="postgresql")  # else it looks each of them up twice
    )
    key = cases.c.office if wanted.kind == "offices" else each.c.channel
    of_cases = each.join(cases, cases.c.id == each.c.case_id)
    in_time = sa.select(waves.c.id).where(_within(waves.c.started_at, wanted))
    chosen = sa.select(key, sa.func.count()).select_from(of_cases)
    chosen = chosen.where(each.c.wave.in_(in_time), _allowed(cases.c.office, wanted)).group_by(key)
    return dict(tx.execute(chosen).tuples().all())


def _seen(wanted: Wanted) -> sa.Select[Any]:
    """The cases that the person may see, of the kind that is asked for."""
    chosen = sa.select(cases.c.id).where(visible(wanted.person)).correlate(None)
    return chosen.where(cases.c.definition == wanted.definition) if wanted.definition else chosen


def _allowed(office: ColumnElement[str], wanted: Wanted) -> ColumnElement[bool]:
    """Whether the office lies under those that the person may look at, and under the one that is asked for."""
    parts: list[ColumnElement[bool]] = [sa.true()]
    if wanted.roots is not None:
        parts.append(office.in_(_below("roots", wanted.roots)))
    if wanted.office:
        parts.append(office.in_(_below("asked", (wanted.office,))))
    return sa.and_(*parts)


def _below(name: str, roots: tuple[str, ...]) -> sa.Select[Any]:
    """The codes of these offices and all below them."""
    tree = sa.select(offices.c.code).where(offices.c.code.in_(roots)).cte(name, recursive=True)
    tree = tree.union(sa.select(offices.c.code).where(offices.c.parent == tree.c.code))
    return sa.select(tree.c.code)


def _within(at: ColumnElement[Any], wanted: Wanted) -> ColumnElement[bool]:
    return sa.and_(at >= wanted.since, at < wanted.until)


def _count(where: ColumnElement[bool]) -> ColumnElement[int]:
    return sa.func.sum(sa.case((where, 1), else_=0))


def _read(tx: Connection, query: sa.Select[Any]) -> tuple[Tally, ...]:
    rows = ((key, int(n or 0), int(events or 0)) for key, n, events in tx.execute(query))
    return tuple(Tally(key, n, events) for key, n, events in rows if n)
