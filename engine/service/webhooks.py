"""Webhooks as their owners keep them: added, tried, given a new secret, switched off and on, taken away.

A webhook belongs to one person and is told of the cases that this person may see. Its secret is shown once, when it is
made. After a new secret both sign for a day, so that the other side can change over.
"""

import base64
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from engine.errors import InvalidForm, NotFound, Problem
from engine.service import addresses, announcing
from engine.service.addresses import AddressRefused
from engine.service.announcing import EVENTS, PREFIX
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.views import Viewer
from engine.store import circuits, messages, webhooks
from engine.store.circuits import Down
from engine.store.messages import Line
from engine.store.webhooks import Webhook

MOST = 20  # webhooks of one person
BOTH_SIGN = timedelta(days=1)
SHOWN = 50
Delivery = Line  # as callers name it


@dataclass(frozen=True, slots=True)
class WebhookView:
    """A webhook without its secret. `down`: it does not answer now; until `both_until` the old secret signs too."""

    id: int
    name: str
    url: str
    events: tuple[str, ...]
    state: str
    reason: str
    created_at: datetime
    both_until: datetime | None = None
    down: Down | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A webhook's number and its secret, which is shown this once."""

    id: int
    secret: str


def listed(app: Countersign, viewer: Viewer) -> tuple[WebhookView, ...]:
    """The viewer's own."""
    authorize(viewer, "webhooks.keep")
    with app.db.read() as tx:
        return tuple(_view(app, tx, one) for one in webhooks.of_owner(tx, viewer.person))


def shown(app: Countersign, viewer: Viewer, number: int) -> tuple[WebhookView, tuple[Line, ...]]:
    """One of the viewer's, with what was sent to it last. NotFound where it is not theirs."""
    authorize(viewer, "webhooks.keep")
    with app.db.read() as tx:
        found = _own(tx, viewer, number)
        return _view(app, tx, found), messages.listed(tx, circuit=found.circuit, limit=SHOWN)


def add(app: Countersign, viewer: Viewer, *, name: str, url: str, events: Collection[str], key: str) -> Made:
    """Make one; the same `key` again gives the first. InvalidForm with all that is wrong."""
    authorize(viewer, "webhooks.keep")
    problems = _wrong(app, name, url, events)
    secret = _secret()
    with app.db.begin() as tx:
        own = webhooks.of_owner(tx, viewer.person)
        if first := next((one for one in own if one.made_by == key), None):
            return Made(first.id, first.secret)
        if len(own) >= MOST:
            problems.append(Problem("webhooks-many", f"{MOST} at most", at="name", fields={"most": MOST}))
        if problems:
            raise InvalidForm(problems)
        new: dict[str, Any] = {
            "owner": viewer.person,
            "name": name,
            "url": url,
            "events": [event for event in EVENTS if event in events],
            "secret": secret,
            "state": "active",
            "created_at": app.now(),
            "made_by": key,
        }
        return Made(webhooks.add(tx, new), secret)


def change(app: Countersign, viewer: Viewer, number: int, *, name: str, url: str, events: Collection[str]) -> None:
    """Change what it is called, where it lies, what it hears of."""
    authorize(viewer, "webhooks.keep")
    if problems := _wrong(app, name, url, events):
        raise InvalidForm(problems)
    with app.db.begin() as tx:
        found = _own(tx, viewer, number)
        wanted = [event for event in EVENTS if event in events]
        webhooks.change(tx, number, name=name, url=url, events=wanted)
        if url != found.url:
            circuits.answer(tx, found.circuit)  # what was wrong with the old address is not known of the new one


def renew(app: Countersign, viewer: Viewer, number: int, *, key: str) -> Made:
    """Give it a new secret, for a day the old one signs too; the same `key` again gives the same."""
    authorize(viewer, "webhooks.keep")
    secret = _secret()
    with app.db.begin() as tx:
        found = _own(tx, viewer, number)
        if found.renewed_by == key:
            return Made(number, found.secret)
        until = app.now() + BOTH_SIGN
        webhooks.change(tx, number, secret=secret, old_secret=found.secret, old_until=until, renewed_by=key)
    return Made(number, secret)


def switch(app: Countersign, viewer: Viewer, number: int, *, on: bool) -> None:
    """Switch it off, or on again (also one that was disabled). What happened meanwhile is not told later."""
    authorize(viewer, "webhooks.keep")
    with app.db.begin() as tx:
        found = _own(tx, viewer, number)
        webhooks.change(tx, number, state="active" if on else "off", reason="")
        circuits.answer(tx, found.circuit)
        if not on:
            messages.drop(tx, found.circuit, app.now(), "the webhook was switched off")


def remove(app: Countersign, viewer: Viewer, number: int) -> None:
    """Take it away; what waits for it is not sent."""
    authorize(viewer, "webhooks.keep")
    with app.db.begin() as tx:
        found = _own(tx, viewer, number)
        webhooks.remove(tx, number)
        circuits.answer(tx, found.circuit)
        messages.drop(tx, found.circuit, app.now(), "the webhook was taken away")


def try_out(app: Countersign, viewer: Viewer, number: int, key: str) -> None:
    """Send it a test (`ping`) with the next tick; the same `key` again sends none."""
    authorize(viewer, "webhooks.keep")
    with app.db.read() as tx:
        found = _own(tx, viewer, number)
    if found.state != "active":
        raise InvalidForm([Problem("webhook-off", "it is switched off", at="name")])
    announcing.ping(app, found, key)


def _own(tx: Connection, viewer: Viewer, number: int) -> Webhook:
    found = webhooks.find(tx, number)
    if found is None or found.owner != viewer.person:
        raise NotFound()
    return found


def _view(app: Countersign, tx: Connection, one: Webhook) -> WebhookView:
    both = one.old_until if one.old_until is not None and app.now() < one.old_until else None
    down = next((down for down in circuits.all_down(tx) if down.name == one.circuit), None)
    return WebhookView(one.id, one.name, one.url, one.events, one.state, one.reason, one.created_at, both, down)


def _wrong(app: Countersign, name: str, url: str, events: Collection[str]) -> list[Problem]:
    problems = []
    if not 1 <= len(name) <= 80:
        problems.append(Problem("webhook-name", "it needs a name of at most 80 characters", at="name"))
    if not events or not set(events) <= set(EVENTS):
        problems.append(Problem("webhook-events", "choose at least one event", at="events"))
    try:
        addresses.checked(url, private=app.settings.private_addresses)
    except AddressRefused as refused:
        problems.append(Problem("address", refused.message, at="url", fields=refused.fields))
    return problems


def _secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
