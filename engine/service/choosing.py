"""Whom to pass a task on to, bring in, ask or copy: likely people first, anybody by a search.

Likely are those who had to do with the case, the colleagues and the superior of the viewer. The organisation is held
in memory, so a search over tens of thousands of people asks no database. Refuses to list anybody who could not be
chosen: who may not decide on the case, who is asked at the step already, closed accounts.
"""

from collections.abc import Iterable, Iterator, Sequence

from engine.errors import NotFound
from engine.machine.asking import involved
from engine.machine.case import Case, Task
from engine.organisation import Organisation
from engine.service import standins
from engine.service.app import Countersign
from engine.service.cases import load_visible
from engine.service.sheet_views import Choosing, Person
from engine.service.showing import office_name
from engine.service.views import Viewer
from engine.store import inbox
from engine.values import NO_TEXT

LIKELY, FOUND = 8, 20
SIGNING = ("transfer", "delegate", "add_signer", "append")


def choosing(
    app: Countersign, viewer: Viewer, task_id: str, operation: str, *, query: str = "", chosen: Sequence[str] = ()
) -> Choosing:
    """Whom the viewer may choose for `operation` on a task: by name, account or office, else who is likely.

    NotFound unless the task is theirs, or of whom they stand in for. Who is `chosen` already is not found again.
    """
    with app.db.read() as tx:
        line = inbox.find_task(tx, task_id)
        if line is None:
            raise NotFound()
        standins.represented(app, tx, viewer, line.person)
        case = load_visible(app, tx, viewer, line.case_id)
        organisation = app.organisation(tx)
    task = next(one for one in case.tasks if one.id == task_id)
    barred = _barred(organisation, case, task, operation) | {viewer.person}
    kept = tuple(_person(organisation, one) for one in dict.fromkeys(chosen) if organisation.is_active(one))
    words = query.casefold().split()
    if words:
        found = sorted(_found(organisation, words, barred.union(chosen)))
        people = tuple(_person(organisation, person) for *_, person in found[:FOUND])
        return Choosing(kept, people, len(found) - len(people))
    likely: dict[str, str] = {}
    for person, why in _likely(organisation, case, task):
        if person not in barred and person not in chosen and organisation.is_active(person):
            likely.setdefault(person, why)
    return Choosing(kept, tuple(_person(organisation, who, why) for who, why in list(likely.items())[:LIKELY]))


def _barred(organisation: Organisation, case: Case, task: Task, operation: str) -> frozenset[str]:
    if operation == "ask":
        return organisation.accounts(task.person)
    here = {one.person for one in case.tasks if (one.step, one.round) == (task.step, task.round)}
    return frozenset(here) | (involved(organisation, case) if operation in SIGNING else frozenset())


def _likely(organisation: Organisation, case: Case, task: Task) -> Iterator[tuple[str, str]]:
    yield case.submitter, "submitter"
    for other in reversed(case.tasks):
        if other.state == "decided" and other.signs:
            yield other.decided_by or other.person, "decided"
    own = organisation.held(task.person)
    held = {(grant.role, grant.office) for grant in own}
    for grant in organisation.grants:
        if (grant.role, grant.office) in held:
            yield grant.person, "colleague"
    superior = organisation.superior(task.person, case.office)
    if superior is not None:
        yield superior, "superior"
    offices = {grant.office for grant in own}
    for grant in organisation.grants:
        if grant.office in offices:
            yield grant.person, "office"


def _found(
    organisation: Organisation, words: Sequence[str], barred: Iterable[str]
) -> Iterator[tuple[bool, bool, str, str]]:
    """Everybody in whom each of the words is found, those whose name begins with the first of them first."""
    offices = {office.code: f"{office.zh} {office.en}".casefold() for office in organisation.offices}
    without = frozenset(barred)
    for person in organisation.people.values():
        name = person.name.casefold()
        stands = " ".join(f"{offices[grant.office]} {grant.role}" for grant in organisation.held(person.id))
        text = f"{name} {person.id.casefold()} {stands}"
        if person.active and person.id not in without and all(word in text for word in words):
            yield not name.startswith(words[0]), words[0] not in name, person.name, person.id


def _person(organisation: Organisation, person: str, why: str = "") -> Person:
    held = organisation.held(person)
    office = office_name(organisation, held[0].office) if held else NO_TEXT
    return Person(person, organisation.name(person), office, tuple(dict.fromkeys(one.role for one in held)), why)
