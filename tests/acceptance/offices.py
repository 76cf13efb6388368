"""An application with the offices and people of the demo on a fresh database, and cases as the tests need them."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from engine.cli.demo.people import OFFICES, PEOPLE
from engine.definition.model import Definition
from engine.service import approvals, cases, definitions, people, proposals
from engine.service.app import Countersign
from engine.service.effects import Notice, work
from engine.service.views import Viewer
from engine.settings import Settings
from engine.store import definitions as stored
from engine.store import people as store

_keys = itertools.count()

PROPOSAL: dict[str, Any] = {
    "title": "国庆流量包加赠营销案",
    "offer": "flow-10g",
    "budget": "80000.00",
    "reach": "60000",
    "discount": "0.8",
    "channels": ["sms"],
    "window": ["2026-12-01", "2026-12-31"],
    "message": "【白云移动】尊敬的客户，国庆期间您可8折办理10GB流量包，回复LL10办理。拒收请回复R",
    "goal": "办理率 3.0%",
}


def key() -> str:
    """A key that no other call used."""
    return f"test-{next(_keys)}"


@contextmanager
def opened(url: str, home: Path, *, shipped: bool = True) -> Iterator[Countersign]:
    """The application on the database at `url`, with offices, people and the shipped definitions."""
    app = Countersign.open(Settings(home=home, database_url=url, public_url="http://testserver"))
    load_people(app)
    if shipped:
        definitions.publish_shipped(app)
    try:
        yield app
    finally:
        app.close()


@cache
def hashed(password: str) -> str:
    """One hash for all, as cheap as argon2 allows: the full cost is tried where people are added for real."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


def load_people(app: Countersign) -> None:
    """The demo's offices and people."""
    with app.db.begin() as tx:
        store.add_offices(tx, OFFICES)
        fields = ("id", "name", "email", "language")
        store.add_people(
            tx,
            [{name: getattr(one, name) for name in fields} | {"password_hash": hashed(one.password)} for one in PEOPLE],
        )
        store.add_grants(
            tx,
            [{"person": one.id, "role": role, "office": office} for one in PEOPLE for role, office in one.grants],
        )


def in_force(app: Countersign, definition: Definition, *, author: str = "a", by: str = "b") -> Definition:
    """Publish a definition, as by two persons."""
    with app.db.begin() as tx:
        stored.publish(
            tx,
            name=definition.name,
            version=definition.version,
            fingerprint=definition.fingerprint,
            source=definition.source,
            author=author,
            by=by,
            at=app.now(),
        )
    return definition


def viewer(app: Countersign, login: str) -> Viewer:
    """The viewer of an account."""
    return people.viewer_named(app, login)


def submitted(app: Countersign, **changes: Any) -> str:
    """The id of a case that 王敏 submitted."""
    submitter = viewer(app, "wangmin")
    case_id = proposals.start(app, submitter, "telecom-marketing-case", key=key())
    proposals.submit(app, submitter, case_id, PROPOSAL | changes, key=key())
    return case_id


def notices(app: Countersign) -> list[Notice]:
    """Carry out what is pending; the notices that would be mailed."""
    sent: list[Notice] = []
    while work(app, sent.append).any:
        pass
    return sent


def token_of(notice: Notice) -> str:
    """The token in a notice's link."""
    return notice.link.rsplit("/l/", 1)[1]


def open_task(app: Countersign, login: str) -> str:
    """The id of the first open task of an account."""
    return approvals.inbox(app, viewer(app, login)).to_do[0].id


def state_of(app: Countersign, case_id: str) -> str:
    """The state of a case, as an auditor sees it."""
    return cases.case_page(app, viewer(app, "xuwen"), case_id).row.state


DAY = timedelta(days=1)
