"""What the operation has to look at: effects in the outbox, deliveries in doubt, timers, receipts set aside, rounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from engine.delivery.channels import CHANNELS
from engine.store import moves
from engine.store.chunks import UNANSWERED
from engine.store.columns import UtcTime
from engine.store.ledger import REJECTED, SUPPRESSED
from engine.store.session import database_now, inserting
from engine.store.tables import cases, chunks, outbox, recipients, rounds, timers, wave_sums, waves

PAGE = 50
SENDING = ("delivering", "paused")
NAMED_AT_ONCE = 500
COUNTED_UNASKED = 200_000
"""Recipients of waves in doubt whose reasons are counted though nobody asks: less than a tenth of a second."""
IN_DOUBT, LATE, FAILED = "trying", "late", "failed"


@dataclass(frozen=True, slots=True)
class WaveInDoubt:
    """A wave with recipients of whom nobody knows whether the message went out: how many, by reason, of how many.
    `reasons` is None where they were not counted: ask about this wave. `can_repeat`: what did not go out can still be
    sent, as its case is delivering. `may_come_twice`: its gateway would send out again what it had already."""

    wave: str
    name: str
    channel: str
    case_id: str
    number: str
    title: str
    unknown: int
    audience: int
    reasons: tuple[tuple[str, int], ...] | None
    can_repeat: bool
    may_come_twice: bool = False


def effects(tx: Connection, state: str, after: str = "", limit: int = PAGE) -> tuple[Row[Any], ...]:
    """key, case_id, kind, state, attempts, available_at, error, number and title of effects in that state, by key.

    `trying`: pending, and failed at least once.
    """
    named = outbox.outerjoin(cases, cases.c.id == outbox.c.case_id)
    columns = (outbox.c[n] for n in ("key", "case_id", "kind", "state", "attempts", "available_at", "error"))
    query = sa.select(*columns, cases.c.number, cases.c.title).select_from(named)
    return tuple(tx.execute(query.where(_in(state), outbox.c.key > after).order_by(outbox.c.key).limit(limit)))


def effect_counts(tx: Connection) -> dict[str, int]:
    """How many effects wait, how many of them failed before, how many were given up."""
    waits, failed = outbox.c.state == "pending", outbox.c.error != ""
    counts = {"pending": waits, IN_DOUBT: waits & failed, "dead": outbox.c.state == "dead"}
    row = tx.execute(sa.select(*(_count(where).label(name) for name, where in counts.items()))).one()
    return {name: int(value or 0) for name, value in row._mapping.items()}


def try_now(tx: Connection, key: str) -> Row[Any] | None:
    """Have an effect tried again at once, with all attempts: one that waits for its next try, or was given up.

    The row as it was; None where there is none that waits or was given up, or somebody is at it right now.
    """
    row = _effect(tx, key)
    if row is None or row.state == "done" or (row.lease_until is not None and row.lease_until > database_now(tx)):
        return None
    again = {"state": "pending", "attempts": 0, "available_at": database_now(tx), "lease_until": None}
    tx.execute(sa.update(outbox).where(outbox.c.key == key).values(again))
    return row


def give_up(tx: Connection, key: str) -> Row[Any] | None:
    """Try an effect no more. The row as it was; None where it does not wait, or somebody is at it right now."""
    row = _effect(tx, key)
    if row is None or row.state != "pending" or (row.lease_until is not None and row.lease_until > database_now(tx)):
        return None
    tx.execute(sa.update(outbox).where(outbox.c.key == key).values(state="dead", fence=outbox.c.fence + 1))
    return row


def in_doubt(tx: Connection, why: str = "", unasked: int = COUNTED_UNASKED) -> tuple[WaveInDoubt, ...]:
    """Every wave that has unknown recipients, as their sums are kept. Who counts reasons reads all rows of a wave, so
    it is done for the wave `why`, and for the smallest others, `unasked` recipients together."""
    named = waves.join(cases, cases.c.id == waves.c.case_id).join(wave_sums, wave_sums.c.wave == waves.c.id)
    columns = (waves.c.id, waves.c.name, waves.c.channel, waves.c.audience, wave_sums.c.unknown)
    of_case = (cases.c.number, cases.c.title, cases.c.state, cases.c.id.label("case_id"))
    about = sa.select(*columns, *of_case).select_from(named).where(wave_sums.c.unknown > 0).order_by(waves.c.id)
    rows = tx.execute(about).all()
    counted = {row.id for row in rows if row.id == why}
    for row in sorted(rows, key=lambda one: (one.audience, one.id)):
        unasked -= row.audience
        if unasked >= 0:
            counted.add(row.id)
    reasons = _reasons(tx, sorted(counted))
    return tuple(
        WaveInDoubt(
            row.id, row.name, row.channel, row.case_id, row.number or "", row.title, row.unknown, row.audience,
            tuple(reasons.get(row.id, ())) if row.id in counted else None,
            row.state in SENDING and CHANNELS[row.channel].has_receipts,
        )
        for row in rows
    )  # fmt: skip


def _reasons(tx: Connection, some: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    """Why the unknown rows of these waves are unknown, by wave."""
    moves.by_index(tx)
    query = (
        sa.select(recipients.c.wave, recipients.c.reason, sa.func.count())
        .where(recipients.c.wave.in_(some), recipients.c.state == "unknown")
        .group_by(recipients.c.wave, recipients.c.reason)
        .order_by(recipients.c.wave, recipients.c.reason)
    )
    found: dict[str, list[tuple[str, int]]] = {}
    for wave, reason, count in tx.execute(query):
        found.setdefault(wave, []).append((reason, count))
    return found


def count_in_doubt(tx: Connection) -> int:
    """How many recipients are unknown, of all waves."""
    return int(tx.execute(sa.select(sa.func.coalesce(sa.func.sum(wave_sums.c.unknown), 0))).scalar_one())


def resolve(tx: Connection, wave: str, *, was_sent: bool, by: str, at: datetime) -> int:
    """Give a wave's unknown rows their end: delivered as far as anybody knows, or failed without having been sent; the
    count. The reason names who said so."""
    if was_sent:
        moment = sa.func.coalesce(recipients.c.sent_at, sa.literal(at, UtcTime()), type_=UtcTime())
        end: dict[str, Any] = {"reason": f"sent, says {by}"[:60], "settled_at": at, "sent_at": moment}
        return moves.move(tx, wave, come_from="unknown", to="delivered", **end)
    end = {"reason": f"{REJECTED}not sent, says {by}"[:60], "settled_at": at}
    return moves.move(tx, wave, come_from="unknown", to="failed", **end)


def repeat(tx: Connection, wave: str, barred: Sequence[str], *, ask_first: bool, at: datetime) -> int:
    """Put a wave's unknown rows back to be sent, and its chunks with them; the count of all that were unknown. Those of
    the customers `barred` are suppressed instead; `ask_first`: the gateway is asked about the others before. Who is
    sending such a chunk right now records nothing of it: it is sent again with the same ids."""
    doubtful = (recipients.c.wave == wave) & (recipients.c.state == "unknown")
    named = sa.and_(chunks.c.wave == wave, recipients.c.row.between(chunks.c.first, chunks.c.last), doubtful)
    certain = sa.and_(chunks.c.state == "done", sa.literal(not ask_first))
    again = {
        "state": "waiting",
        "fence": chunks.c.fence + 1,
        "lease_until": None,
        "available_at": None,
        "error": sa.case((certain, ""), else_=f"{UNANSWERED}: while it was put back"),
    }
    tx.execute(sa.update(chunks).where(chunks.c.wave == wave, sa.exists().where(named)).values(again))
    out: dict[str, Any] = {"reason": SUPPRESSED, "settled_at": at, "sent_at": None}
    count = 0
    for first in range(0, len(barred), NAMED_AT_ONCE):
        some = recipients.c.customer.in_(barred[first : first + NAMED_AT_ONCE])
        count += moves.move(tx, wave, some, come_from="unknown", to="suppressed", **out)
    back: dict[str, Any] = {"reason": "", "settled_at": None, "sent_at": None}
    return count + moves.move(tx, wave, come_from="unknown", to="waiting", **back)


def customers_in_doubt(tx: Connection, wave: str) -> tuple[str, ...]:
    """The customers of a wave's unknown rows."""
    query = sa.select(recipients.c.customer).where(recipients.c.wave == wave, recipients.c.state == "unknown")
    return tuple(tx.execute(query).scalars())


def armed(
    tx: Connection, now: datetime, *, late: bool, after: tuple[datetime, str] | None = None
) -> tuple[Row[Any], ...]:
    """key, case_id, name, step, due_at, fence, lease_until, number, title, definition, version, fingerprint of armed
    timers, the earliest due first; `late`: only those that are due."""
    where = [sa.text("timers.state='armed'")]
    conditions: list[sa.ColumnElement[bool]] = [timers.c.due_at <= now] if late else []
    if after is not None:
        conditions.append(
            sa.tuple_(timers.c.due_at, timers.c.key) > sa.tuple_(sa.literal(after[0], UtcTime()), sa.literal(after[1]))
        )
    columns = (timers.c[n] for n in ("key", "case_id", "name", "step", "due_at", "fence", "lease_until"))
    of_case = (cases.c[n] for n in ("number", "title", "definition", "version", "fingerprint"))
    named = timers.join(cases, cases.c.id == timers.c.case_id)
    query = sa.select(*columns, *of_case).select_from(named).where(*where, *conditions)
    return tuple(tx.execute(query.order_by(timers.c.due_at, timers.c.key).limit(PAGE)))


def timer_counts(tx: Connection, now: datetime) -> dict[str, int]:
    """How many timers are armed, how many of them late, how many of those were tried and failed."""
    is_armed = timers.c.state == "armed"
    late = is_armed & (timers.c.due_at <= now)
    counts = {"armed": is_armed, LATE: late, FAILED: late & (timers.c.fence > 0)}
    row = tx.execute(sa.select(*(_count(where).label(name) for name, where in counts.items()))).one()
    return {name: int(value or 0) for name, value in row._mapping.items()}


def free_timer(tx: Connection, key: str, now: datetime) -> Row[Any] | None:
    """Let a late timer be fired at once instead of when its lease ends; the row, None where it is not late."""
    query = sa.select(timers).where(timers.c.key == key, timers.c.state == "armed", timers.c.due_at <= now)
    row = tx.execute(query).one_or_none()
    if row is not None:
        tx.execute(sa.update(timers).where(timers.c.key == key).values(lease_until=None))
    return row


def note_round(tx: Connection, flow: str, *, at: datetime, did: int, error: str) -> None:
    """A flow looked for due work."""
    values = {"flow": flow, "at": at, "did": did, "error": error[:1000]}
    insert = inserting(tx, rounds).values(values)
    tx.execute(
        insert.on_conflict_do_update(
            index_elements=["flow"], set_={n: insert.excluded[n] for n in ("at", "did", "error")}
        )
    )


def forget_rounds(tx: Connection, flow: str) -> None:
    """A worker ended in order: nobody waits for it."""
    tx.execute(sa.delete(rounds).where(rounds.c.flow == flow))


def all_rounds(tx: Connection) -> tuple[Row[Any], ...]:
    """flow, at, did, error of each flow's last round."""
    return tuple(tx.execute(sa.select(rounds).order_by(rounds.c.flow)))


def schema_revision(tx: Connection) -> str:
    """The migration that the database is at."""
    return str(tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one())


def size_of(tx: Connection) -> int:
    """How many bytes the database takes."""
    if tx.dialect.name == "sqlite":
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages) * int(tx.exec_driver_sql("PRAGMA page_size").scalar_one())
    return int(tx.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


def _effect(tx: Connection, key: str) -> Row[Any] | None:
    return tx.execute(sa.select(outbox).where(outbox.c.key == key).with_for_update()).one_or_none()


def _in(state: str) -> sa.ColumnElement[bool]:
    if state == IN_DOUBT:
        return sa.and_(outbox.c.state == "pending", outbox.c.error != "")
    return outbox.c.state == state


def _count(where: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((where, 1), else_=0))
