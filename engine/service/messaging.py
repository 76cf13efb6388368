"""Sends the messages that may go: claims a batch, has `notify` send each, and writes down what became of it.

What goes wrong is told apart. A channel that is down keeps its messages waiting, tries one at a time, and raises one
alarm; an address that is refused ends that message alone; anything else is tried again with growing pauses and given up
after many. Messages of different circuits go side by side, so that one that hangs stops no other. Refuses to decide
what is said: `noticing` and `announcing` do.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

import structlog
from sqlalchemy import Connection

from engine.errors import CountersignError, Refused, Unavailable
from engine.service import announcing, channels, mailing, noticing, restoring
from engine.service.announcing import Call
from engine.service.app import Countersign
from engine.service.keeping import kept
from engine.service.mailing import ReportLetter
from engine.service.noticing import Bundle, Notice
from engine.store import circuits, messages
from engine.store.circuits import Down
from engine.store.messages import Alarm, Claimed, New, Report

BATCH = 50
REPORTS = 5  # each is made anew, which may take long
LEASE = timedelta(seconds=60)
ATTEMPTS = 12
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)
ALARM_AFTER = 3  # failures in a row; a restart of a mail server is not worth an alarm
SIDE_BY_SIDE = 8

Letter = Notice | Bundle | Call | ReportLetter
Notify = Callable[..., None]  # takes a Letter; a test that has neither digests nor webhooks needs to know notices alone

log = structlog.get_logger()


class ChannelDown(Unavailable):
    """{channel} does not answer: {reason}. Its messages wait and go by themselves when it is back."""


class TryLater(Unavailable):
    """The message was not taken for now: {reason}. It is tried again by itself."""

    def __init__(self, *, reason: str, seconds: float = 0) -> None:
        self.seconds = seconds
        super().__init__(reason=reason)


class NotTaken(Refused):
    """The message was refused for good: {reason}."""


class NothingToSend(Refused):
    """Nothing was sent: {reason}."""


@dataclass(slots=True)
class _Became:
    """What became of the messages of one circuit."""

    sent: int = 0
    over: list[tuple[Claimed, str, str]] = field(default_factory=list)
    later: list[tuple[Claimed, float, str]] = field(default_factory=list)
    untried: list[Claimed] = field(default_factory=list)
    down: str = ""
    has_answered: bool = False


def send_due(app: Countersign, notify: Notify) -> tuple[int, int]:
    """Send one batch of what may go, without reports. How many went, and how many could not."""
    return _send_batch(app, notify, limit=BATCH, but=mailing.CIRCUIT)


def send_reports(app: Countersign, notify: Notify) -> tuple[int, int]:
    """Send one batch of the scheduled reports that are queued. How many went, and how many could not."""
    return _send_batch(app, notify, limit=REPORTS, only=mailing.CIRCUIT)


def _send_batch(app: Countersign, notify: Notify, *, limit: int, only: str = "", but: str = "") -> tuple[int, int]:
    if not restoring.may_send(app):
        return 0, 0
    with app.db.begin() as tx:
        claimed = messages.claim(tx, app.now(), limit=limit, seconds=LEASE.total_seconds(), only=only, but=but)
        down = {one.name for one in circuits.all_down(tx)} if claimed else set()
    if not claimed:
        return 0, 0

    def extend() -> None:
        with app.db.begin() as tx:
            messages.extend(tx, [one.id for one in claimed], LEASE.total_seconds())

    by_circuit = [list(group) for _, group in groupby(sorted(claimed, key=_place), key=lambda one: one.circuit)]
    with kept(extend, lease=LEASE):
        if len(by_circuit) == 1:
            became = [_send_all(app, by_circuit[0], down, notify)]
        else:
            with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(by_circuit))) as pool:
                became = list(pool.map(lambda group: _send_all(app, group, down, notify), by_circuit))
    return sum(one.sent + len(one.over) for one in became), sum(len(one.later) + bool(one.down) for one in became)


def _place(message: Claimed) -> tuple[str, int]:
    return message.circuit, message.id


def _send_all(app: Countersign, group: list[Claimed], down: set[str], notify: Notify) -> _Became:
    """Send the messages of one circuit in turn, until it turns out to be down; one alone where it is down already."""
    became, circuit = _Became(), group[0].circuit
    left = list(group)
    while left and not became.down:
        if circuit in down and became.later:
            break
        _send(app, left.pop(0), became, notify)
    became.untried += left
    _write_down(app, circuit, became, was_down=circuit in down)
    return became


def _send(app: Countersign, message: Claimed, became: _Became, notify: Notify) -> None:
    try:
        letter = _letter(app, message)
        if letter is not None:
            notify(letter)
    except ChannelDown as error:
        became.down = str(error.fields.get("reason", "")) or error.message
        became.untried.append(message)
    except TryLater as error:
        became.later.append((message, error.seconds, error.message))
    except NothingToSend as error:
        became.over.append((message, "moot", error.message))
    except Refused as error:
        became.has_answered = True
        became.over.append((message, "dead", error.message))
    except Exception as error:  # a broken template must not stop the others
        reason = error.message if isinstance(error, CountersignError) else f"{type(error).__name__}: {error}"
        log.warning("message_failed", message=message.key, channel=message.channel, error=reason)
        became.later.append((message, 0, reason))
    else:
        if letter is None:
            became.over.append((message, "moot", ""))
            return
        became.has_answered = True
        became.sent += 1
        with app.db.begin() as tx:  # at once: whoever takes over after a crash repeats one message, not a batch
            if isinstance(letter, Bundle):
                messages.settle_digest(tx, message, letter.parts, app.now())
            else:
                messages.settle(tx, message, "sent", app.now())


def _letter(app: Countersign, message: Claimed) -> Letter | None:
    """What the message says now; None where there is nothing to say any more."""
    if message.circuit.startswith("hook:"):
        return announcing.call_of(app, message)
    if isinstance(message.subject, Report):
        return mailing.letter_of(app, message, message.subject)
    return noticing.letter_of(app, message)


def _write_down(app: Countersign, circuit: str, became: _Became, *, was_down: bool) -> None:
    now = app.now()
    with app.db.begin() as tx:
        for message, state, why in became.over:
            messages.settle(tx, message, state, now, why)
        for message, seconds, why in became.later:
            _later(tx, message, seconds, why, now)
        messages.give_back(tx, became.untried)
        down = circuits.fail(tx, circuit, now, became.down) if became.down else None
        is_back = was_down and became.has_answered and not became.down and circuits.answer(tx, circuit)
    if down is not None:
        log.warning("channel_down", circuit=circuit, failures=down.failures, error=became.down)
        _alarm(app, down)
    if is_back:
        log.info("channel_up", circuit=circuit)


def _later(tx: Connection, message: Claimed, seconds: float, why: str, now: datetime) -> None:
    """Try it again after a pause that doubles, or longer where the other side asked for it; or give it up."""
    if message.attempts >= ATTEMPTS:
        messages.settle(tx, message, "dead", now, why)
        log.error("message_given_up", message=message.key, channel=message.channel, error=why)
        return
    pause = max(min(FIRST_PAUSE * 2 ** (message.attempts - 1), LONGEST_PAUSE), timedelta(seconds=min(seconds, 3600)))
    messages.postpone(tx, message, now + pause, why)


def _alarm(app: Countersign, down: Down) -> None:
    """What follows from a failure: one alarm for a channel of all, the end of a webhook that failed for days."""
    lasts = app.now() - down.down_since
    is_over = lasts >= timedelta(days=app.settings.webhook_days)
    kind = down.name.partition(":")[0]
    if kind == "hook":
        if is_over:
            announcing.disable(app, down)
    elif kind == "webhook":
        if is_over:  # a person's own address that nobody answers at
            with app.db.begin() as tx:
                messages.drop(tx, down.name, app.now(), down.error)
                circuits.answer(tx, down.name)
    elif down.failures >= ALARM_AFTER and not down.is_told:
        _tell_administrators(app, down)


def _tell_administrators(app: Countersign, down: Down) -> None:
    """One alarm, by every channel of theirs but the one that is down; pages and log tell it in any case."""
    with app.db.begin() as tx:
        if not circuits.told(tx, down.name):
            return
        told = 0
        for person in channels.administrators(app, tx):
            new = New(
                key=f"alarm:{down.name}:{down.down_since:%Y%m%dT%H%M%S}",
                person=person,
                channel="",
                circuit="",
                occasion="channel_down",
                case_id="",
                subject=Alarm(down.name, down.down_since, down.error),
                release_at=app.now(),
            )
            told += noticing.put(app, tx, new, but=down.name.partition(":")[0])
    log.error("channel_alarm", circuit=down.name, since=down.down_since.isoformat(), error=down.error, told=told)
