"""What whoever runs the installation looks at and mends: effects that fail, deliveries in doubt, late timers, the
health of all parts.

Every change is written down with who made it. Refuses to touch what a worker holds at that moment.
"""

import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Literal, get_args
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row

from engine.errors import CountsMoved, Invalid, NotFound, Problem, Refused
from engine.machine.case import ProcessRef
from engine.service import alarms, channels, effects, ending, restoring
from engine.service.alarms import Standing
from engine.service.app import Countersign
from engine.service.couriers.opening import guarantee_of
from engine.service.recording import By, Change, changing
from engine.service.restoring import Held
from engine.service.stopping import OVERRULED
from engine.store import circuits, messages, operation, parked, permits, suppression, waves
from engine.store.figures import Backlog
from engine.store.operation import WaveInDoubt
from engine.store.waves import WaveRow
from engine.values import NO_TEXT, Bilingual

FLOWS = ("tick", "waves", "evaluate", "facts")
QUIET_AFTER = timedelta(minutes=10)  # longer than a run and the pause before the next
NOTED_EVERY = timedelta(seconds=30)
WORKER = "waves:"  # before the name of a further delivery worker
LONGEST_REASON = 200
PARTS = ("countersign", "fastapi", "sqlalchemy", "prefect", "duckdb", "apprise")
Doubt = WaveInDoubt  # as callers name it
Answer = Literal["sent", "again", "given_up"]
ANSWERS: tuple[Answer, ...] = get_args(Answer)


class NotRepeated(Refused):
    """These messages cannot be sent again: their case delivers no more, or their wave has ended. Nothing was
    changed."""


class MayComeTwice(Refused):
    """The gateway forgets message ids: whoever has got the message after all gets it twice. Nothing was changed; say
    that this is accepted, or give them up."""


@dataclass(frozen=True, slots=True)
class EffectRow:
    """An effect of the outbox and its case. `error` is why it failed last, empty where it never did."""

    key: str
    case_id: str
    number: str
    title: str
    kind: str
    state: str
    attempts: int
    available_at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class OutboxPage:
    """Effects in one state; `counts` of all: pending, trying (pending and failed before), dead (given up)."""

    rows: tuple[EffectRow, ...]
    counts: dict[str, int]
    next: str


@dataclass(frozen=True, slots=True)
class TimerRow:
    """A timer and its case; `label`: what its step is called. `tries`: how often it was taken up; more than none and
    still late means that it failed."""

    key: str
    case_id: str
    number: str
    title: str
    name: str
    step: str
    label: Bilingual
    due_at: datetime
    tries: int
    is_late: bool


@dataclass(frozen=True, slots=True)
class TimersPage:
    """Armed timers, the earliest due first; `counts` of all: armed, late, failed."""

    rows: tuple[TimerRow, ...]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class FlowState:
    """When a flow looked last; None where it never did. `is_quiet`: so long ago that it does not run."""

    flow: str
    at: datetime | None
    error: str
    is_quiet: bool


@dataclass(frozen=True, slots=True)
class DownRow:
    """A channel, a webhook or the host of somebody's own address that does not answer. `label` is the channel's; a
    webhook's is empty and `name` its number. `waiting`: messages that go when it is back. `is_told`: the alarm was
    raised."""

    name: str
    label: Bilingual
    since: datetime
    next_try: datetime
    failures: int
    error: str
    waiting: int
    is_told: bool


@dataclass(frozen=True, slots=True)
class Health:
    """All parts. Addresses are shown without names and passwords; empty where nothing is set."""

    database: str
    database_size: int
    schema: str
    flows: tuple[FlowState, ...]
    workers: tuple[FlowState, ...]
    sms: str
    mail: str
    disk_free: int
    disk_size: int
    outbox: dict[str, int]
    timers: dict[str, int]
    parked: int
    in_doubt: int
    versions: tuple[tuple[str, str], ...]
    down: tuple[DownRow, ...]
    held: Held | None
    standing: tuple[Standing, ...]
    interrupted: tuple[Backlog, ...]


def outbox(app: Countersign, by: By, state: str, after: str = "", *, limit: int = operation.PAGE) -> OutboxPage:
    """`limit` effects in that state after the key `after`."""
    by.authorize("operation.watch")
    with app.db.read() as tx:
        rows = operation.effects(tx, state, after, limit + 1)
        shown = rows[:limit]
        last = shown[-1].key if len(rows) > len(shown) else ""
        return OutboxPage(tuple(map(_effect, shown)), operation.effect_counts(tx), last)


def retry(app: Countersign, by: By, key: str) -> None:
    """Have an effect tried again at once. NotFound where none waits; twice is once."""
    with changing(app, by, "operation.act") as change:
        if change.done_before():
            return
        row = operation.try_now(change.tx, key)
        if row is None:
            raise NotFound()
        told = {"case": row.case_id, "kind": row.kind, "state": row.state, "attempts": row.attempts}
        change.note("effect_retried", key, before=told)


def give_up(app: Countersign, by: By, key: str, reason: str) -> None:
    """Try an effect no more, with a reason. NotFound where it does not wait."""
    said = _reason(reason)
    with changing(app, by, "operation.act") as change:
        if change.done_before():
            return
        row = operation.give_up(change.tx, key)
        if row is None:
            raise NotFound()
        told = {"case": row.case_id, "kind": row.kind, "error": row.error[:LONGEST_REASON]}
        change.note("effect_given_up", key, before=told, reason=said)


def in_doubt(app: Countersign, by: By, why: str = "") -> tuple[WaveInDoubt, ...]:
    """Waves with recipients of whom nobody knows whether the message went out. The reasons of small waves are counted,
    of a large one (they are None) where it is named by `why`."""
    by.authorize("operation.watch")
    with app.db.read() as tx:
        found = operation.in_doubt(tx, why)
        return tuple(replace(one, may_come_twice=_forgets(app, one.channel)) for one in found)


def _forgets(app: Countersign, channel: str) -> bool:
    """Whether the channel sends out again what it had already, and cannot be asked about it."""
    return guarantee_of(channel, app.settings) in ("at_most_once", "at_least_once")


def resolve(
    app: Countersign, by: By, wave: str, answer: Answer, *, expected: int, reason: str, twice: bool = False
) -> int:
    """Say of a wave's unknown recipients that the messages went out, or did not; how many. The reason is needed.

    What did not go out is sent again, or given up: then it counts as not contacted. Nothing is sent again to who is on
    a suppression list by now. CountsMoved where there are not as many as were `expected`: what was looked at has
    changed. NotRepeated where the case delivers no more, or the channel has no messages. MayComeTwice where the gateway
    would not tell a message that it had already, and nobody accepts that (`twice`).
    """
    said = _reason(reason)
    with changing(app, by, "operation.act") as change:
        if change.done_before():
            return expected
        row = waves.lock(change.tx, wave)
        if row is None:
            raise NotFound()
        if answer == "again":
            count = _send_again(app, change, row, twice=twice)
        else:
            if answer != "sent":
                permits.release(change.tx, wave, operation.customers_in_doubt(change.tx, wave))
            count = operation.resolve(change.tx, wave, was_sent=answer == "sent", by=by.person, at=change.now)
        if count != expected:
            raise CountsMoved(expected=expected, count=count)
        told = {"was_sent": answer == "sent", "sent_again": answer == "again", "recipients": count}
        if answer == "again" and _forgets(app, row.channel):
            told["may_come_twice"] = True
        change.note("unknown_resolved", wave, after=told, reason=said)
        return count


def _send_again(app: Countersign, change: Change, row: WaveRow, *, twice: bool) -> int:
    """Put a wave's unknown recipients back; the wave runs again where it had ended."""
    doubt = next((one for one in operation.in_doubt(change.tx, unasked=0) if one.wave == row.id), None)
    if doubt is None:
        return 0
    is_there = row.state in ("running", "paused", "gated", "done") and not ending.is_over(app, row, change.now)
    if not doubt.can_repeat or not is_there:
        raise NotRepeated()
    if _forgets(app, row.channel) and not twice:
        raise MayComeTwice()
    customers = operation.customers_in_doubt(change.tx, row.id)
    out = suppression.suppressed(change.tx, customers, change.now, channel=row.channel, case_id=row.case_id)
    if row.state in ("gated", "done"):
        overruled = row.held_because if row.held_because == OVERRULED else ""
        waves.move(
            change.tx,
            row.id,
            to="running",
            come_from=("gated", "done"),
            finished_at=None,
            gate_until=None,
            held_because=overruled,
        )
    is_asked = guarantee_of(row.channel, app.settings) == "query_then_send"
    return operation.repeat(change.tx, row.id, sorted(out), ask_first=is_asked, at=change.now)


def timers(app: Countersign, by: By, *, late: bool) -> TimersPage:
    """The first 50 armed timers, all or those that are late."""
    by.authorize("operation.watch")
    now = app.now()
    with app.db.read() as tx:
        rows = operation.armed(tx, now, late=late)
        return TimersPage(tuple(_timer(app, tx, row, now) for row in rows), operation.timer_counts(tx, now))


def fire(app: Countersign, by: By, key: str) -> None:
    """Fire a late timer once more, at once. NotFound where it is not late any more."""
    with changing(app, by, "operation.act") as change:
        if change.done_before():
            return
        row = operation.free_timer(change.tx, key, change.now)
        if row is None:
            raise NotFound()
        change.note("timer_fired", key, before={"case": row.case_id, "name": row.name, "due": row.due_at.isoformat()})
    effects.fire_timers(app)


def health(app: Countersign, by: By) -> Health:
    """The state of every part. Asks nobody outside: what a gateway or a mail server does shows in the outbox."""
    by.authorize("operation.watch")
    now, settings = app.now(), app.settings
    with app.db.read() as tx:
        last = {row.flow: row for row in operation.all_rounds(tx)}
        disk = shutil.disk_usage(settings.home)
        return Health(
            database=app.db.dialect_name,
            database_size=operation.size_of(tx),
            schema=operation.schema_revision(tx),
            flows=tuple(_flow(name, last.get(name), now) for name in FLOWS),
            workers=workers(last, now),
            sms=_host(settings.sms_url),
            mail=_host(settings.mail_url),
            disk_free=disk.free,
            disk_size=disk.total,
            outbox=operation.effect_counts(tx),
            timers=operation.timer_counts(tx, now),
            parked=sum(parked.counts(tx).values()),
            in_doubt=operation.count_in_doubt(tx),
            down=tuple(_down(one, messages.waiting(tx, one.name)) for one in circuits.all_down(tx)),
            held=restoring.held_in(tx),
            standing=alarms.standing(app, tx),
            interrupted=alarms.interrupted(tx),
            versions=(("python", platform.python_version()), *((name, version(name)) for name in PARTS)),
        )


def note_round(app: Countersign, flow: str, did: int, error: str = "") -> None:
    """A flow has looked for due work; for the health page."""
    with app.db.begin() as tx:
        operation.note_round(tx, flow, at=app.now(), did=did, error=error)


def note_end(app: Countersign, worker: str) -> None:
    """A further worker ended in order; the health page knows it no more."""
    with app.db.begin() as tx:
        operation.forget_rounds(tx, worker)


def _effect(row: Row[tuple[object, ...]]) -> EffectRow:
    return EffectRow(
        row.key, row.case_id, row.number or "", row.title or "", row.kind, row.state, row.attempts, row.available_at,
        row.error,
    )  # fmt: skip


def _timer(app: Countersign, tx: Connection, row: Row[tuple[object, ...]], now: datetime) -> TimerRow:
    number, title, is_late = row.number or "", row.title or "", row.due_at <= now
    label = app.process(ProcessRef(row.definition, row.version, row.fingerprint), tx).label(row.step)
    return TimerRow(row.key, row.case_id, number, title, row.name, row.step, label, row.due_at, row.fence, is_late)


def _flow(name: str, row: Row[tuple[object, ...]] | None, now: datetime) -> FlowState:
    if row is None:
        return FlowState(name, None, "", is_quiet=True)
    return FlowState(name, row.at, row.error, is_quiet=row.at + QUIET_AFTER < now)


def workers(last: Mapping[str, Row[tuple[object, ...]]], now: datetime) -> tuple[FlowState, ...]:
    """The further delivery workers by name; one that is quiet was killed, or lost its machine."""
    found = (name for name in last if name.startswith(WORKER))
    return tuple(replace(_flow(one, last[one], now), flow=one.removeprefix(WORKER)) for one in sorted(found))


def _down(one: circuits.Down, waiting: int) -> DownRow:
    kind, _, rest = one.name.partition(":")
    label = channels.LABELS.get(kind, NO_TEXT)
    return DownRow(rest, label, one.down_since, one.probe_at, one.failures, one.error, waiting, one.is_told)


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}" if url else ""


def _reason(text: str) -> str:
    said = text.strip()
    if not said or len(said) > LONGEST_REASON:
        raise Invalid([Problem("reason_missing", f"say why, in at most {LONGEST_REASON} signs", at="reason")])
    return said
