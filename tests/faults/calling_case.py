"""A case that delivers by call, with callers and a lead, placed and ready to be called."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine import clock
from engine.cli.demo.people import PASSWORD
from engine.organisation import Office
from engine.service import calling, delivering, people
from engine.service.app import Countersign
from engine.service.calling import CallView, Named
from engine.service.recording import By
from engine.store import people as store
from tests.acceptance.offices import hashed
from tests.faults.delivering_case import CASE, delivering_case

NUMBER = "430102-2026-00001"
OFFICES = (
    Office(code="430000", zh="省公司", level="province"),
    Office(code="430100", zh="市公司", level="city", parent="430000"),
    Office(code="430102", zh="县公司", level="county", parent="430100"),
    Office(code="430200", zh="他市公司", level="city", parent="430000"),
)
GRANTS = {
    "li": (("submitter", "430102"),),
    "anna": (("caller", "430100"),),
    "bo": (("caller", "430102"),),
    "far": (("caller", "430200"),),
    "lead": (("marketing", "430100"),),
    "other": (("marketing", "430200"),),
}
BY_CALL = """
  waves:
    - {name: main, share: rest, channel: call, chunk: 50, hours: 09:00-20:00}
  message: {text: "{name}您好，{form.message}", fields: [name]}
  calls: {attempts: 3, between: 2h, within: 14d}
"""


class Clock:
    """The business clock, standing still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 12, 1, 3, tzinfo=UTC)  # eleven o'clock in Shanghai

    def move(self, **by: float) -> None:
        """Move it forward."""
        self.at += timedelta(**by)


def still(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still."""
    standing = Clock()
    monkeypatch.setattr(clock, "now", lambda: standing.at)
    return standing


def calling_case(
    database_url: str, home: Path, *, customers: int = 20, delivery: str = BY_CALL, **more: Any
) -> Countersign:
    """The application with everybody on the call list."""
    app = delivering_case(database_url, home, customers=customers, delivery=delivery, **more)
    rows = [
        {"id": one, "name": one.title(), "email": "", "language": "en", "password_hash": hashed(PASSWORD)}
        for one in GRANTS
    ]
    grants = [
        {"person": person, "role": role, "office": office} for person, held in GRANTS.items() for role, office in held
    ]
    with app.db.begin() as tx:
        store.add_offices(tx, OFFICES)
        store.add_people(tx, rows)
        store.add_grants(tx, grants)
    delivering.begin(app, CASE)
    while delivering.work(app, "test"):
        delivering.settle(app)
    return app


def by(app: Countersign, person: str, key: str = "") -> By:
    """A person at a page."""
    return By(people.viewer_named(app, person), key=key)


def took(app: Countersign, person: str) -> CallView:
    """The next customer before a caller."""
    view = calling.take(app, by(app, person))
    assert view is not None
    return view


def named(view: CallView) -> Named:
    """The call as its caller sees it."""
    return Named(view.wave, view.row, view.version)


def called(app: Countersign, person: str, disposition: str, **told: str) -> CallView:
    """Take the next customer, dial, record."""
    view = took(app, person)
    shown = calling.show(app, by(app, person), named(view))
    assert shown.number
    calling.record(app, by(app, person), named(shown.call), disposition=disposition, **told)
    return view


def ledger_of(app: Countersign) -> dict[str, int]:
    """How many recipients are in each state, with the reasons of those that are over."""
    words = "SELECT state || CASE WHEN reason = '' THEN '' ELSE ': ' || reason END, count(*) FROM recipients GROUP BY 1"
    with app.db.read() as tx:
        return dict(tx.execute(sa.text(words)).all())  # type: ignore[arg-type]
