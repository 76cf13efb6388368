"""Messages to be sent, one row per occasion, reader and channel; handed out as leases, held, bundled, settled.

A key is taken once for ever, so an effect that is carried out twice tells nobody twice. When a message may go is a
matter of business time, which the caller brings; who holds it is a matter of the database's clock. Never hold the
transaction over the sending: claim, commit, send, then settle. What a worker that died had sent but not settled is
sent again: the promise is at_least_once, by one batch per worker at most.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.machine.outcome import Announce, NotifyOutcome, NotifyQuestion, NotifyTask
from engine.store.session import database_now, inserting
from engine.store.tables import circuits, messages


class Digest(msgspec.Struct, frozen=True, tag=True):
    """Everything that waits for this message, in one."""


class Alarm(msgspec.Struct, frozen=True, tag=True):
    """A channel, or a webhook, does not work."""

    circuit: str
    since: datetime
    error: str


class Code(msgspec.Struct, frozen=True, tag=True):
    """A one-time code for a link (its hash), made while its mail is made."""

    link: str
    asked_at: datetime


class Ping(msgspec.Struct, frozen=True, tag=True):
    """A test of a channel or a webhook, asked for by its owner."""


class Report(msgspec.Struct, frozen=True, tag=True):
    """A scheduled report, made when it goes."""

    mailing: int


class ReportStopped(msgspec.Struct, frozen=True, tag=True):
    """A scheduled report is mailed no longer; told to its owner."""

    view: str
    reason: str


Subject = NotifyTask | NotifyQuestion | NotifyOutcome | Announce | Digest | Alarm | Code | Ping | Report | ReportStopped

_write = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(Subject).decode


@dataclass(frozen=True, slots=True)
class New:
    """A message to be queued. `bundle`: the key of the digest that it waits for; empty where it goes by itself."""

    key: str
    person: str
    channel: str
    circuit: str
    occasion: str
    case_id: str
    subject: Subject
    release_at: datetime
    bundle: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message under a lease."""

    id: int
    key: str
    person: str
    channel: str
    circuit: str
    occasion: str
    case_id: str
    subject: Subject
    attempts: int
    fence: int
    created_at: datetime


_CLAIMED = (
    messages.c.id,
    messages.c.key,
    messages.c.person,
    messages.c.channel,
    messages.c.circuit,
    messages.c.occasion,
    messages.c.case_id,
    messages.c.body,
    messages.c.attempts,
    messages.c.fence,
    messages.c.created_at,
)


def put(tx: Connection, new: New, now: datetime) -> bool:
    """Queue a message; False where its key was taken before, and nothing happens."""
    row = {
        "key": new.key,
        "person": new.person,
        "channel": new.channel,
        "circuit": new.circuit,
        "occasion": new.occasion,
        "case_id": new.case_id,
        "body": _write(new.subject).decode(),
        "state": "bundled" if new.bundle else "pending",
        "release_at": new.release_at,
        "bundle": new.bundle,
        "created_at": now,
    }
    return bool(tx.execute(inserting(tx, messages).values(row).on_conflict_do_nothing()).rowcount)


def put_digest(tx: Connection, new: New, now: datetime) -> None:
    """Queue the digest for which bundled messages wait; one that went already goes again, for what came late."""
    if not put(tx, new, now):
        # Locked until the waiting message is committed: whoever settles the digest then sees it.
        tx.execute(sa.select(messages.c.id).where(messages.c.key == new.key).with_for_update())
        gone = (messages.c.key == new.key) & messages.c.state.in_(("sent", "moot", "dead"))
        tx.execute(sa.update(messages).where(gone).values(state="pending", attempts=0, settled_at=None, error=""))


def claim(
    tx: Connection, now: datetime, *, limit: int, seconds: float, only: str = "", but: str = ""
) -> tuple[Claimed, ...]:
    """Up to `limit` messages that may go at the business time `now`, the longest waiting first, without those of
    circuits that are down and not to be tried yet; of the circuit `only`, or of every one `but` that. Nobody else gets
    them for `seconds`."""
    moment = database_now(tx)
    is_free = messages.c.lease_until.is_(None) | (messages.c.lease_until <= moment)
    broken = sa.select(circuits.c.name).where(circuits.c.probe_at > now)
    wanted = [messages.c.circuit == only] if only else [messages.c.circuit != but]
    waiting = (
        sa.select(messages.c.id)
        .where(
            sa.text("messages.state='pending'"),
            messages.c.release_at <= now,
            is_free,
            messages.c.circuit.not_in(broken),
            *wanted,
        )
        .order_by(messages.c.release_at, messages.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("waiting")
    )
    taken = (
        sa.update(messages)
        .where(messages.c.id.in_(sa.select(waiting.c.id)))
        .values(
            lease_until=moment + timedelta(seconds=seconds),
            fence=messages.c.fence + 1,
            attempts=messages.c.attempts + 1,
        )
        .returning(*_CLAIMED)
    )
    rows = sorted(tx.execute(taken), key=lambda row: row.id)
    return tuple(
        Claimed(**{name: value for name, value in row._mapping.items() if name != "body"}, subject=_read(row.body))
        for row in rows
    )


def bundled(tx: Connection, digest: str) -> tuple[Claimed, ...]:
    """The messages that wait for a digest, the oldest first."""
    query = sa.select(*_CLAIMED).where(messages.c.bundle == digest, sa.text("messages.state='bundled'"))
    return tuple(
        Claimed(**{name: value for name, value in row._mapping.items() if name != "body"}, subject=_read(row.body))
        for row in tx.execute(query.order_by(messages.c.id))
    )


def extend(tx: Connection, ids: Collection[int], seconds: float) -> None:
    """Keep the leases of these for `seconds` from now."""
    held = messages.c.id.in_(ids) & (messages.c.state == "pending")
    tx.execute(sa.update(messages).where(held).values(lease_until=database_now(tx) + timedelta(seconds=seconds)))


def settle(tx: Connection, claimed: Claimed, state: str, now: datetime, error: str = "") -> bool:
    """It was sent, is moot, or dead; of a digest, what waits for it with it. False when it was not ours any more."""
    over = {"state": state, "settled_at": now, "lease_until": None, "error": error[:1000]}
    if state != "sent" and isinstance(claimed.subject, Digest):
        waits = (messages.c.bundle == claimed.key) & (messages.c.state == "bundled")
        tx.execute(sa.update(messages).where(waits).values({**over, "lease_until": None}))
    return bool(tx.execute(sa.update(messages).where(_held(claimed)).values(over)).rowcount)


def settle_digest(tx: Connection, digest: Claimed, parts: Sequence[Claimed], now: datetime) -> None:
    """A digest went with these parts; it goes again where more came meanwhile."""
    tx.execute(sa.select(messages.c.id).where(messages.c.id == digest.id).with_for_update())
    went = messages.c.id.in_([one.id for one in parts]) & (messages.c.state == "bundled")
    tx.execute(sa.update(messages).where(went).values(state="sent", settled_at=now))
    if bundled(tx, digest.key):
        give_back(tx, [digest])
    else:
        settle(tx, digest, "sent", now)


def give_back(tx: Connection, claimed: Sequence[Claimed]) -> None:
    """They were not tried: as before the claim."""
    for one in claimed:
        back = {"lease_until": None, "attempts": messages.c.attempts - 1}
        tx.execute(sa.update(messages).where(_held(one)).values(back))


def postpone(tx: Connection, claimed: Claimed, until: datetime, error: str) -> None:
    """It could not be sent; it is tried again from `until` on."""
    later = {"release_at": until, "lease_until": None, "error": error[:1000]}
    tx.execute(sa.update(messages).where(_held(claimed)).values(later))


def revive(tx: Connection, number: int, now: datetime) -> bool:
    """Try once more what was given up, with all attempts again. False when it was not given up."""
    dead = (messages.c.id == number) & (messages.c.state == "dead")
    again = {"state": "pending", "attempts": 0, "release_at": now, "settled_at": None}
    return bool(tx.execute(sa.update(messages).where(dead).values(again)).rowcount)


def drop(tx: Connection, circuit: str, now: datetime, why: str) -> int:
    """Whatever waits for a circuit that was taken away is moot."""
    waits = (messages.c.circuit == circuit) & (messages.c.state == "pending")
    over = {"state": "moot", "settled_at": now, "lease_until": None, "error": why}
    return tx.execute(sa.update(messages).where(waits).values(over)).rowcount


def waiting(tx: Connection, circuit: str) -> int:
    """How many messages wait for a circuit."""
    own = (messages.c.circuit == circuit) & messages.c.state.in_(("pending", "bundled"))
    return tx.execute(sa.select(sa.func.count()).select_from(messages).where(own)).scalar_one()


def counts(tx: Connection) -> dict[tuple[str, str], int]:
    """How many messages are pending or dead, by channel and state."""
    query = sa.select(messages.c.channel, messages.c.state, sa.func.count()).where(
        messages.c.state.in_(("pending", "bundled", "dead"))
    )
    return {(row[0], row[1]): row[2] for row in tx.execute(query.group_by(messages.c.channel, messages.c.state))}


@dataclass(frozen=True, slots=True)
class Line:
    """A message in a list. `error` says why it was not sent (yet)."""

    id: int
    key: str
    person: str
    channel: str
    occasion: str
    case_id: str
    state: str
    attempts: int
    error: str
    created_at: datetime
    release_at: datetime
    settled_at: datetime | None


_LINE = tuple(messages.c[name] for name in Line.__dataclass_fields__)


def listed(tx: Connection, *, circuit: str = "", state: str = "", limit: int = 100) -> tuple[Line, ...]:
    """The newest messages of a circuit, or in a state."""
    wanted = [messages.c.circuit == circuit] if circuit else []
    if state:
        wanted.append(messages.c.state == state)
    query = sa.select(*_LINE).where(*wanted).order_by(messages.c.id.desc()).limit(limit)
    return tuple(Line(*row) for row in tx.execute(query))


def next_release(tx: Connection) -> datetime | None:
    """When the next pending message may go, in business time; None where none is pending."""
    query = sa.select(sa.func.min(messages.c.release_at)).where(sa.text("messages.state='pending'"))
    moment: datetime | None = tx.execute(query).scalar_one()
    return moment


def _held(claimed: Claimed) -> sa.ColumnElement[bool]:
    return (messages.c.id == claimed.id) & (messages.c.fence == claimed.fence) & (messages.c.state == "pending")
