"""Confidential cases: readers are named and removed, an embargo is set and lifted, and who looked is recorded.

Its submitter and the heads of its office say who else may read a case. What that means for a viewer is decided by
`store.visibility` alone. Everybody's looks are recorded but the submitter's: once per person and hour.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection

from engine.errors import InvalidForm, NotFound, Problem
from engine.machine.case import Case
from engine.organisation import Organisation
from engine.service import stepping_up
from engine.service.access_views import AccessView, LookView, ReaderView
from engine.service.app import Countersign
from engine.service.authorizing import allowed
from engine.service.views import Viewer
from engine.store import cases, inbox, links, readers, visibility
from engine.store.readers import Look

SHOWN = 50
RECORDED = 200
NAMES_READERS = "head"


@dataclass(frozen=True, slots=True)
class RefusedLink:
    """Somebody followed a link that was mailed to another person; `number` is empty where the case has none."""

    case_id: str
    number: str
    meant_for: str
    used_by: str
    at: datetime
    address: str


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """The newest looks at confidential cases and refused links, 200 of each."""

    looks: tuple[LookView, ...]
    refused: tuple[RefusedLink, ...]


def is_confidential(app: Countersign, case: Case) -> bool:
    """Whether the case's definition makes its cases confidential."""
    return app.definition(case.process).proposal.visibility == "confidential"


def access_view(app: Countersign, tx: Connection, viewer: Viewer, case: Case) -> AccessView | None:
    """Who may read the case and who looked; None where it is open."""
    if not is_confidential(app, case):
        return None
    organisation, until = app.organisation(tx), readers.embargo(tx, case.id)
    sees_looks = viewer.person == case.submitter or allowed(viewer, "audit.read")
    looks = tuple(_look(organisation, one) for one in readers.looks(tx, case_id=case.id, limit=SHOWN))
    return AccessView(
        readers=tuple(
            ReaderView(one.person, organisation.name(one.person), organisation.name(one.named_by), one.named_at)
            for one in readers.named(tx, case.id)
        ),
        embargo=until if until is not None and until > app.now() else None,
        may_change=_says_who_reads(viewer, case),
        looks=looks if sees_looks else None,
    )


def access_of(app: Countersign, viewer: Viewer, case_id: str) -> AccessView:
    """As `access_view`. NotFound where the viewer may not see the case, or it is open."""
    with app.db.read() as tx:
        if not visibility.may_see(tx, viewer.person, case_id):
            raise NotFound()
        case = cases.load(tx, case_id)
        stepping_up.refuse_code(app, viewer, case.process)
        view = access_view(app, tx, viewer, case)
    if view is None:
        raise NotFound()
    return view


def name_reader(app: Countersign, viewer: Viewer, case_id: str, person: str) -> None:
    """Let `person` read the case; twice is once. InvalidForm where nobody active has that account."""
    with app.db.begin() as tx:
        _theirs(app, tx, viewer, case_id)
        if not app.organisation(tx).is_active(person):
            fields = {"names": person}
            raise InvalidForm(
                [Problem("unknown_person", f"nobody active is called {person}", at="person", fields=fields)]
            )
        readers.name(tx, case_id, person, by=viewer.person, at=app.now())


def remove_reader(app: Countersign, viewer: Viewer, case_id: str, person: str) -> None:
    """Take it back. NotFound where the person was not named."""
    with app.db.begin() as tx:
        _theirs(app, tx, viewer, case_id)
        if not readers.remove(tx, case_id, person, by=viewer.person, at=app.now()):
            raise NotFound()


def set_embargo(app: Countersign, viewer: Viewer, case_id: str, day: str) -> None:
    """Keep the office from seeing the case before `day` (2026-12-01, in the operator's zone); empty lifts it."""
    until = _start_of(app, day) if day else None
    with app.db.begin() as tx:
        _theirs(app, tx, viewer, case_id)
        readers.set_embargo(tx, case_id, until, by=viewer.person, at=app.now())


def note(app: Countersign, viewer: Viewer, case: Case) -> None:
    """The viewer looks at the case now: recorded where it is confidential and not their own."""
    if viewer.person == case.submitter or not is_confidential(app, case):
        return
    at = app.now()
    with app.db.read() as tx:
        if readers.is_noted(tx, case.id, viewer.person, at):
            return
    with app.db.begin() as tx:
        readers.note(tx, case.id, viewer.person, at=at, address=viewer.address)


def record(app: Countersign) -> AccessRecord:
    """What auditors and administrators read; the route asks who it is."""
    with app.db.read() as tx:
        organisation = app.organisation(tx)
        refused = []
        for one in links.refusals(tx, RECORDED):
            task = inbox.find_task(tx, one.task)
            number = (task.case.number if task else "") or ""
            names = (organisation.name(one.meant_for), organisation.name(one.used_by))
            refused.append(RefusedLink(one.case_id, number, *names, one.at, one.address))
        looks = tuple(_look(organisation, one) for one in readers.looks(tx, limit=RECORDED))
        return AccessRecord(looks, tuple(refused))


def _look(organisation: Organisation, one: Look) -> LookView:
    return LookView(one.case_id, one.number, organisation.name(one.person), one.at, one.address)


def _says_who_reads(viewer: Viewer, case: Case) -> bool:
    is_head = any(grant.role == NAMES_READERS and grant.office == case.office for grant in viewer.grants)
    return viewer.person == case.submitter or is_head


def _theirs(app: Countersign, tx: Connection, viewer: Viewer, case_id: str) -> None:
    """NotFound unless the case is confidential, the viewer sees it, and it is theirs to say who else does."""
    if not visibility.may_see(tx, viewer.person, case_id):
        raise NotFound()
    case = cases.load(tx, case_id)
    stepping_up.refuse_code(app, viewer, case.process)
    if not is_confidential(app, case) or not _says_who_reads(viewer, case):
        raise NotFound()


def _start_of(app: Countersign, day: str) -> datetime:
    today = app.now().astimezone(app.settings.zone).date()
    try:
        chosen = date.fromisoformat(day)
    except ValueError:
        said = f"{day!r} is not a day; write it as 2026-11-30"
        raise InvalidForm([Problem("form.not_date", said, at="until", fields={"value": day})]) from None
    if not today < chosen <= today + timedelta(days=3660):
        raise InvalidForm([Problem("embargo.day", "choose a day after today, ten years ahead at most", at="until")])
    return datetime.combine(chosen, time.min, app.settings.zone)
