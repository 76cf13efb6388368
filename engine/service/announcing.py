"""Webhooks out: what happened to cases, told to other systems, signed.

A transition asks for an announcement only where there are webhooks. Each event becomes one message per webhook that
wants it, with an id that stays the same however often it is sent. Whether the webhook's owner may see the case is
asked when the event is queued and again when it goes; what is hidden from the owner is absent.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import structlog
from msgspec.structs import replace
from sqlalchemy import Connection

from engine.machine.children import has_ended
from engine.machine.commands import AnyCommand, Decide
from engine.machine.outcome import Announce, Outcome, Submitted
from engine.service import noticing, restoring
from engine.service.app import Countersign
from engine.service.fields import limited
from engine.store import circuits, messages, visibility, webhooks
from engine.store.cases import Locked
from engine.store.circuits import Down
from engine.store.messages import Alarm, Claimed, New, Ping
from engine.store.outbox import Claimed as Effect
from engine.store.webhooks import Webhook

Event = Literal["case.submitted", "case.decided", "case.state_changed", "case.closed"]
EVENTS: tuple[Event, ...] = get_args(Event)
PREFIX = "whsec_"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Call:
    """One event for one webhook, to be signed and posted. `secrets`: the new one first."""

    id: str
    url: str
    body: bytes
    secrets: tuple[str, ...]
    channel: str = "hook"

    def headers(self, at: datetime) -> dict[str, str]:
        """The headers that prove who sent it and when, as https://www.standardwebhooks.com says."""
        stamp = str(int(at.timestamp()))
        return {
            "Content-Type": "application/json",
            "webhook-id": self.id,
            "webhook-timestamp": stamp,
            "webhook-signature": " ".join(signature(one, self.id, stamp, self.body) for one in self.secrets),
        }


def signature(secret: str, event_id: str, stamp: str, body: bytes) -> str:
    """HMAC-SHA256 over `id.timestamp.body` in base64, with the version of the scheme before it."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = hmac.new(key, f"{event_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()


def announced(app: Countersign, locked: Locked, command: AnyCommand, outcome: Outcome) -> Outcome:
    """The outcome with an announcement of what it means to other systems, where there are any that listen."""
    if not outcome.events or not app.is_listened_to(locked):
        return outcome
    before, after = locked.case, outcome.case
    events: list[Event] = []
    if any(isinstance(event, Submitted) for event in outcome.events):
        events.append("case.submitted")
    task = next((task for task in before.tasks if isinstance(command, Decide) and task.id == command.task), None)
    if task is not None:
        events.append("case.decided")
    if after.state != before.state:
        events.append("case.state_changed")
        if has_ended(app.process(after.process, locked), after):
            events.append("case.closed")
    if not events:
        return outcome
    news = Announce(
        seq=after.seq,
        events=tuple(events),
        was=before.state,
        state=after.state,
        at=app.now(),
        actor=command.actor,
        decision=command.decision if isinstance(command, Decide) else "",
        step=task.step if task else "",
    )
    return replace(outcome, effects=(*outcome.effects, news))


def queue(app: Countersign, effect: Effect, news: Announce) -> None:
    """Queue a message per event and webhook; once, however often it is carried out."""
    with app.db.begin() as tx:
        epoch = restoring.epoch_in(tx)  # after a restore numbers begin again that the other side has seen
        event_id = f"{effect.key}:e{epoch}" if epoch else effect.key
        for webhook in webhooks.active(tx):
            wanted = [event for event in news.events if event in webhook.events]
            if wanted and visibility.may_see(tx, webhook.owner, effect.case_id):
                for event in wanted:
                    one = replace(news, events=(event,))
                    new = _new(webhook, f"{event_id}:{event}", event, one, app.now(), case_id=effect.case_id)
                    messages.put(tx, new, app.now())


def ping(app: Countersign, webhook: Webhook, key: str) -> None:
    """Queue a test of a webhook."""
    with app.db.begin() as tx:
        messages.put(tx, _new(webhook, f"ping:{key}", "ping", Ping(), app.now()), app.now())


def _new(
    webhook: Webhook, event_id: str, event: str, subject: Announce | Ping, now: datetime, *, case_id: str = ""
) -> New:
    return New(
        key=f"{event_id}:{webhook.circuit}",
        person=webhook.owner,
        channel="hook",
        circuit=webhook.circuit,
        occasion=event,
        case_id=case_id,
        subject=subject,
        release_at=now,
    )


def call_of(app: Countersign, message: Claimed) -> Call | None:
    """What a message to a webhook says now; None where it is gone or off, or its owner may not see the case."""
    with app.db.read() as tx:
        webhook = webhooks.find(tx, int(message.circuit.partition(":")[2]))
        if webhook is None or webhook.state != "active":
            return None
        data = {} if isinstance(message.subject, Ping) else _data(app, tx, webhook.owner, message)
    if data is None:
        return None
    at = message.subject.at if isinstance(message.subject, Announce) else message.created_at
    body = json.dumps(
        {"id": message.key, "type": message.occasion, "timestamp": at.isoformat(), "data": data}, ensure_ascii=False
    )
    both = webhook.old_secret and webhook.old_until is not None and app.now() < webhook.old_until
    secrets = (webhook.secret, *([webhook.old_secret] if both else []))
    return Call(message.key, webhook.url, body.encode(), secrets)


def _data(app: Countersign, tx: Connection, owner: str, message: Claimed) -> dict[str, Any] | None:
    """What happened, and the case as far as the owner sees it; None where they do not see it."""
    line = visibility.find(tx, owner, message.case_id)
    news = message.subject
    if line is None or not isinstance(news, Announce):
        return None
    line = limited(app, tx, line, owner)
    decided = {
        "decision": news.decision,
        "step": {"name": news.step, "label": app.process(line.process, tx).label(news.step).model_dump()},
    }
    return {
        "case": {
            "id": line.id,
            "number": line.number,
            "title": line.title,
            "definition": line.process.name,
            "version": line.process.version,
            "office": line.office,
            "budget": None if line.budget is None else str(line.budget),
            "reach": line.reach,
            "url": f"{app.settings.public_url.rstrip('/')}/cases/{line.id}",
        },
        "seq": news.seq,
        "was": news.was,
        "state": news.state,
        "by": {"account": news.actor, "name": app.organisation(tx).name(news.actor)},
        **(decided if news.decision else {}),
    }


def disable(app: Countersign, down: Down) -> None:
    """A webhook failed for days: tell it nothing more, and its owner that."""
    number = int(down.name.partition(":")[2])
    with app.db.begin() as tx:
        webhook = webhooks.find(tx, number)
        circuits.answer(tx, down.name)
        messages.drop(tx, down.name, app.now(), down.error)
        if webhook is None or webhook.state != "active":
            return
        webhooks.change(tx, number, state="disabled", reason=down.error)
        alarm = New(
            key=f"disabled:{down.name}:{down.down_since:%Y%m%dT%H%M%S}",
            person=webhook.owner,
            channel="",
            circuit="",
            occasion="webhook_disabled",
            case_id="",
            subject=Alarm(down.name, down.down_since, down.error),
            release_at=app.now(),
        )
        noticing.put(app, tx, alarm)
    log.error("webhook_disabled", webhook=number, error=down.error)
