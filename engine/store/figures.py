"""What is counted for who watches the installation: cases, tasks, timers, outbox, messages, waves.

Nothing of it names a customer, a person or an office.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.moves import STATES
from engine.store.session import database_now
from engine.store.tables import cases, chunks, messages, outbox, rounds, tasks, timers, wave_sums, waves

UNDER_WAY = ("running", "paused", "gated")


@dataclass(frozen=True, slots=True)
class Aged:
    """How many, and since when the oldest of them waits; None where there are none."""

    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class WaveSum:
    """How many recipients of a wave are in a state."""

    wave: str
    channel: str
    state: str
    count: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """Chunks of a wave under way: those that wait, are at hand, were left by a worker that ended (their lease is over),
    and those that wait because something did not take them."""

    wave: str
    channel: str
    waiting: int
    claimed: int
    expired: int
    failing: int


@dataclass(frozen=True, slots=True)
class StandingCase:
    """A case in a state, without any change since then."""

    id: str
    definition: str
    number: str
    title: str
    state: str
    since: datetime


def cases_by_state(tx: Connection) -> tuple[tuple[str, int, int], ...]:
    """State, how many cases are in it, and how many entries their histories have."""
    query = sa.select(cases.c.state, sa.func.count(), sa.func.sum(cases.c.seq)).group_by(cases.c.state)
    return tuple((state, int(count), int(entries)) for state, count, entries in tx.execute(query))


def open_tasks(tx: Connection) -> Aged:
    """What waits in the inboxes."""
    query = sa.select(sa.func.count(), sa.func.min(tasks.c.opened_at, type_=tasks.c.opened_at.type))
    return Aged(*tx.execute(query.where(tasks.c.state == "open")).one())


def waiting_effects(tx: Connection) -> Aged:
    """What the outbox still has to do."""
    query = sa.select(sa.func.count(), sa.func.min(outbox.c.available_at, type_=outbox.c.available_at.type))
    return Aged(*tx.execute(query.where(sa.text("outbox.state='pending'"))).one())


def waiting_messages(tx: Connection) -> Aged:
    """Notices and calls of webhooks that have not gone."""
    query = sa.select(sa.func.count(), sa.func.min(messages.c.release_at, type_=messages.c.release_at.type))
    return Aged(*tx.execute(query.where(sa.text("messages.state='pending'"))).one())


def sums_under_way(tx: Connection) -> tuple[WaveSum, ...]:
    """The recipients of waves under way, by state, as they are kept; states without any are left out."""
    columns = (wave_sums.c[state] for state in sorted(STATES))
    query = (
        sa.select(waves.c.id, waves.c.channel, *columns)
        .select_from(waves.join(wave_sums, wave_sums.c.wave == waves.c.id))
        .where(waves.c.state.in_(UNDER_WAY))
        .order_by(waves.c.id)
    )
    return tuple(
        WaveSum(wave, channel, state, count)
        for wave, channel, *counts in tx.execute(query)
        for state, count in zip(sorted(STATES), counts, strict=True)
        if count
    )


def backlog(tx: Connection) -> tuple[Backlog, ...]:
    """The chunks of waves under way that are not done, by wave."""
    now = database_now(tx)
    waits, claimed = chunks.c.state == "waiting", chunks.c.state == "claimed"

    def counted(where: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.sum(sa.case((where, 1), else_=0))

    query = (
        sa.select(
            waves.c.id,
            waves.c.channel,
            counted(waits),
            counted(claimed),
            counted(claimed & (chunks.c.lease_until <= now)),
            counted(waits & (chunks.c.error != "")),
        )
        .select_from(waves.join(chunks, chunks.c.wave == waves.c.id))
        .where(waves.c.state.in_(UNDER_WAY), chunks.c.state != "done")
        .group_by(waves.c.id, waves.c.channel)
        .order_by(waves.c.id)
    )
    return tuple(Backlog(wave, channel, *map(int, counts)) for wave, channel, *counts in tx.execute(query))


def last_rounds(tx: Connection) -> tuple[tuple[str, datetime, str], ...]:
    """Flow or worker, when it looked last, and its error."""
    return tuple((row.flow, row.at, row.error) for row in tx.execute(sa.select(rounds)))


def standing_since(tx: Connection, before: Mapping[str, datetime], limit: int) -> tuple[StandingCase, ...]:
    """Cases that have not changed since a moment that depends on their state, the oldest first."""
    late = [(cases.c.state == state) & (cases.c.updated_at < moment) for state, moment in before.items()]
    columns = (cases.c.id, cases.c.definition, cases.c.number, cases.c.title, cases.c.state, cases.c.updated_at)
    query = sa.select(*columns).where(sa.or_(*late)).order_by(cases.c.updated_at, cases.c.id).limit(limit)
    return tuple(
        StandingCase(id_, definition, number or "", title or "", *rest)
        for id_, definition, number, title, *rest in tx.execute(query)
    )


def left_effects(tx: Connection, case_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """By case the key and the error of an effect that waits or was given up, the one that failed most often."""
    query = (
        sa.select(outbox.c.case_id, outbox.c.key, outbox.c.error)
        .where(outbox.c.case_id.in_(case_ids), outbox.c.state.in_(("pending", "dead")))
        .order_by(outbox.c.attempts, outbox.c.key)
    )
    return {case_id: (key, error) for case_id, key, error in tx.execute(query)}


def has_ahead(tx: Connection, case_ids: Sequence[str], now: datetime) -> frozenset[str]:
    """Those of the cases for which a timer is armed that is not due yet: they wait for its time."""
    query = sa.select(timers.c.case_id).where(
        timers.c.case_id.in_(case_ids), timers.c.state == "armed", timers.c.due_at > now
    )
    return frozenset(tx.execute(query).scalars())


def moving_waves(tx: Connection, case_ids: Sequence[str]) -> frozenset[str]:
    """Those of the cases with a wave that goes on: no chunk of its waves was refused, or left by a worker."""
    now = database_now(tx)
    is_bad = ((chunks.c.state == "waiting") & (chunks.c.error != "")) | (
        (chunks.c.state == "claimed") & (chunks.c.lease_until <= now)
    )
    bad = sa.exists().where(chunks.c.wave == waves.c.id, is_bad)
    query = sa.select(waves.c.case_id, sa.func.sum(sa.case((bad, 1), else_=0))).where(waves.c.case_id.in_(case_ids))
    return frozenset(case_id for case_id, count in tx.execute(query.group_by(waves.c.case_id)) if not count)
