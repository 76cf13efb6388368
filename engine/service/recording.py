"""Who changes the organisation or the operation, and the transaction that writes down what they changed.

    with changing(app, by, "organisation.manage") as change:
        people.set_active(change.tx, ...)
        change.note("account_closed", person, before={...}, after={...})

What was noted is written in the same transaction as the change. Refuses a change by whoever may not make it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from engine.organisation import Organisation
from engine.service.app import Countersign
from engine.service.authorizing import Action, authorize
from engine.service.views import Viewer
from engine.store import trail
from engine.store.trail import Note


@dataclass(frozen=True, slots=True)
class By:
    """Who, by which door, from which address, under which key (the same key again changes nothing).

    No viewer is the operator at their own terminal, who may do everything.
    """

    viewer: Viewer | None
    via: str = "page"
    address: str = ""
    key: str = ""

    @property
    def person(self) -> str:
        """The account that the history names."""
        return self.viewer.person if self.viewer else "system"

    def authorize(self, action: Action) -> None:
        """NotFound unless they may."""
        if self.viewer is not None:
            authorize(self.viewer, action)


OPERATOR = By(None, "cli")


@dataclass(slots=True)
class Change:
    """A change under way: its transaction, and what has been noted so far."""

    app: Countersign
    tx: Connection
    by: By
    now: datetime
    notes: list[Note] = field(default_factory=list)

    @property
    def organisation(self) -> Organisation:
        """The organisation as this transaction sees it."""
        return self.app.organisation(self.tx)

    def note(self, kind: str, subject: str, *, before: Any = None, after: Any = None, reason: str = "") -> None:
        """Remember what changed; it is written when the change is complete."""
        self.notes.append(Note(kind, subject, before, after, reason))

    def done_before(self) -> trail.Entry | None:
        """What the same key wrote earlier, where it did."""
        return trail.done_under(self.tx, self.by.key)


@contextmanager
def changing(app: Countersign, by: By, action: Action | None) -> Iterator[Change]:
    """One transaction that changes and records. `action` None: the caller asked already whether they may."""
    if action is not None:
        by.authorize(action)
    with app.db.begin() as tx:
        change = Change(app, tx, by, app.now())
        yield change
        if change.notes:
            trail.record(tx, change.notes, at=change.now, actor=by.person, via=by.via, address=by.address, key=by.key)
