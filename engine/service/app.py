"""One opened application: settings, the case database, and what is cached between transactions.

A definition never changes once stored (its fingerprint names its bytes), so it is compiled once per process. The
organisation changes; its cache is compared with the revision that every transition reads under the case's lock.
"""

import threading
from collections import OrderedDict
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from engine import clock
from engine.definition.compile import compile_process
from engine.definition.load import load_known
from engine.definition.model import Definition
from engine.errors import NotFound
from engine.machine.case import ProcessRef
from engine.machine.process import Process
from engine.organisation import OfficeHours, Organisation, Workdays
from engine.service.turns import Turns
from engine.settings import Settings
from engine.store import budgets, calendar, definitions, people, webhooks
from engine.store.cases import Locked
from engine.store.session import LOCK_SECONDS, Database
from engine.warehouse.dataset import Version

if TYPE_CHECKING:
    from engine.service.usual import Usual

KEPT_PROCESSES = 256
PAGE_LOCK_SECONDS = 10
"""How long a person or a program at a page waits for what another process keeps locked; then they are told."""


class Countersign:
    """The application that service functions take first. Safe to share between threads."""

    def __init__(self, settings: Settings, db: Database) -> None:
        self.settings = settings
        self.db = db
        self._lock = threading.Lock()
        self._definitions: dict[str, Definition] = {}
        self._compiled: dict[str, Process] = {}
        self._bound: OrderedDict[tuple[str, int], Process] = OrderedDict()
        self._organisation: tuple[int, Organisation] | None = None
        self._calendar: tuple[int, Workdays] | None = None
        self._listened: tuple[int, bool] | None = None
        self._budgets: tuple[int, frozenset[str]] | None = None
        self.counts = Turns()
        self.seen_customers: Version | None = None
        self.usual: dict[str, Usual] = {}  # see usual.usual
        self.may_send_until = 0.0  # see restoring.may_send

    @classmethod
    def open(cls, settings: Settings | None = None, *, lock_seconds: float = LOCK_SECONDS) -> "Countersign":
        """Open with `settings`, by default those of the environment. The database must have been migrated. On
        PostgreSQL, DatabaseBusy after `lock_seconds` of waiting for a lock; SQLite has one limit for all."""
        settings = settings or Settings()
        return cls(settings, Database(settings.database, lock_seconds=lock_seconds))

    def close(self) -> None:
        """Give the connections back."""
        self.db.close()

    def now(self) -> datetime:
        """The business time."""
        return clock.now()

    def definition(self, ref: ProcessRef) -> Definition:
        """The definition a case is pinned to; NotFound when its text is not in the database."""
        found = self._definitions.get(ref.fingerprint)
        if found is None:
            with self.db.read() as tx:
                source = definitions.source(tx, ref.fingerprint)
            if source is None:
                raise NotFound()
            found = load_known(source, f"{ref.name} v{ref.version}")
            self._definitions[ref.fingerprint] = found
        return found

    def organisation(self, seen: Connection | Locked) -> Organisation:
        """The offices, people and grants as `seen` in a transaction; read again only when they changed."""
        revision = _revision(seen)
        cached = self._organisation
        if cached is None or cached[0] != revision:
            cached = (revision, people.load_organisation(seen.tx if isinstance(seen, Locked) else seen))
            self._organisation = cached
        return cached[1]

    def calendar(self, seen: Connection | Locked) -> Workdays:
        """The workday calendar with the operator's own days as `seen`; read again only when something changed."""
        revision = _revision(seen)
        cached = self._calendar
        if cached is None or cached[0] != revision:
            own = calendar.load(seen.tx if isinstance(seen, Locked) else seen)
            days = {one.day: one.working for one in own}
            cached = (revision, Workdays(self.settings.zone, days, office_hours(self.settings)))
            self._calendar = cached
        return cached[1]

    def is_listened_to(self, locked: Locked) -> bool:
        """Whether there are webhooks, as `locked` saw it; read again only when something changed."""
        cached = self._listened
        if cached is None or cached[0] != locked.organisation_revision:
            self._listened = cached = (locked.organisation_revision, webhooks.any_active(locked.tx))
        return cached[1]

    def budgets(self, locked: Locked) -> frozenset[str]:
        """The accounts that there are, as `locked` saw them; read again only when something changed."""
        cached = self._budgets
        if cached is None or cached[0] != locked.organisation_revision:
            self._budgets = cached = (locked.organisation_revision, budgets.keys(locked.tx))
        return cached[1]

    def process(self, ref: ProcessRef, seen: Connection | Locked) -> Process:
        """The compiled process of `ref`, bound to the organisation as `seen` and the workday calendar."""
        key = (ref.fingerprint, _revision(seen))
        found = self._bound.get(key)
        if found is None:
            bound = self._unbound(ref).bound(self.organisation(seen), self.calendar(seen))
            with self._lock:
                self._bound[key] = found = bound
                while len(self._bound) > KEPT_PROCESSES:
                    self._bound.popitem(last=False)
        return found

    def supposed(self, ref: ProcessRef, organisation: Organisation, seen: Connection) -> Process:
        """The compiled process of `ref` in an organisation that is not there (yet): to say what a change would do."""
        return self._unbound(ref).bound(organisation, self.calendar(seen))

    def _unbound(self, ref: ProcessRef) -> Process:
        found = self._compiled.get(ref.fingerprint)
        if found is None:
            found = self._compiled[ref.fingerprint] = compile_process(self.definition(ref))
        return found


def office_hours(settings: Settings) -> OfficeHours | None:
    """The office hours in force; None where none are set."""
    return OfficeHours.parse(settings.office_hours) if settings.office_hours else None


def _revision(seen: Connection | Locked) -> int:
    return seen.organisation_revision if isinstance(seen, Locked) else people.revision(seen)
