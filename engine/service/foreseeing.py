"""What a change of the organisation would do to what waits: which tasks go to whom, and which stay. Changes nothing.

It asks the machine itself, on the cases as they are and the organisation as it would be, so that what is shown is what
will happen, unless something else happens first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from engine.errors import CountersignError
from engine.machine.advance import advance
from engine.machine.case import Case, Task
from engine.machine.commands import AnyCommand
from engine.organisation import Grant, Organisation
from engine.service import reorganising
from engine.service.app import Countersign
from engine.service.recording import By
from engine.store import cases, people, visibility
from engine.store import inbox as inboxes
from engine.values import Bilingual

SHOWN = 50
LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One task. `to` are the names of those who are asked anew; empty with `stays` where nothing happens to it, and
    without where the others at the step are enough. `refused` says why it cannot move. `title` is empty where the case
    is not the viewer's to see."""

    case_id: str
    number: str
    title: str
    step: Bilingual
    to: tuple[str, ...]
    stays: bool
    refused: CountersignError | None = None


@dataclass(frozen=True, slots=True)
class Foresight:
    """The first tasks and how many there are in all; `moves` is the number of those shown that go to somebody."""

    tasks: tuple[Foreseen, ...] = ()
    count: int = 0

    @property
    def moves(self) -> int:
        """How many of those shown leave the person."""
        return sum(not one.stays and one.refused is None for one in self.tasks)


def of_closing(app: Countersign, tx: Connection, by: By, person: str) -> Foresight:
    """What closing the account would do."""
    organisation = app.organisation(tx)
    known = {**organisation.people, person: replace(organisation.people[person], active=False)}
    supposed = Organisation(organisation.offices, known.values(), organisation.grants, people.load_stand_ins(tx))
    return of_person(app, tx, by, person, supposed, reorganising.COMMAND)


def of_grants(app: Countersign, tx: Connection, by: By, person: str, grants: Sequence[Grant]) -> Foresight:
    """What would happen to the person's tasks if these were all grants."""
    organisation = app.organisation(tx)
    supposed = Organisation(organisation.offices, organisation.people.values(), grants, people.load_stand_ins(tx))
    return of_person(app, tx, by, person, supposed, reorganising.COMMAND)


def of_giving(app: Countersign, tx: Connection, by: By, grant: Grant) -> Foresight:
    """The tasks that a new grant would bring to its holder, in cases of the office and those below it."""
    organisation = app.organisation(tx)
    supposed = Organisation(
        organisation.offices, organisation.people.values(), [*organisation.grants, grant], people.load_stand_ins(tx)
    )
    found: list[Foreseen] = []
    waiting = cases.waiting_for_people(tx)[:LOOKED_AT]
    for case in cases.load_many(tx, waiting):
        if grant.office not in organisation.line(case.office):
            continue
        after = _after(app, tx, case, supposed, reorganising.COMMAND)
        if isinstance(after, CountersignError):
            continue
        known = {task.id for task in case.tasks}
        fresh = [task for task in after.tasks if task.person == grant.person and task.id not in known]
        found += [_told(app, tx, by, case, task, (), stays=True) for task in fresh if task.is_pending]
    return Foresight(tuple(found[:SHOWN]), len(found))


def of_person(  # noqa: PLR0917
    app: Countersign, tx: Connection, by: By, person: str, supposed: Organisation, command: AnyCommand
) -> Foresight:
    """What `command` would do to each task of the person in the supposed organisation."""
    lines = inboxes.waiting(tx, person)
    found: list[Foreseen] = []
    for case_id in dict.fromkeys(line.case_id for line in lines[:SHOWN]):
        case = cases.load(tx, case_id)
        after = _after(app, tx, case, supposed, command)
        for task in (task for task in case.tasks if task.person == person and task.is_pending and task.verb != "copy"):
            if isinstance(after, CountersignError):
                found.append(_told(app, tx, by, case, task, (), stays=False, refused=after))
                continue
            before = {(one.person, one.id) for one in case.tasks if one.is_pending}
            here = [one for one in after.tasks if one.step == task.step and one.is_pending]
            stays = any(one.person == person for one in here)
            fresh = [one.person for one in here if (one.person, one.id) not in before]
            names = tuple(dict.fromkeys(supposed.name(one) for one in fresh))
            found.append(_told(app, tx, by, case, task, names, stays=stays))
    return Foresight(tuple(found[:SHOWN]), len(lines))


def _after(
    app: Countersign, tx: Connection, case: Case, supposed: Organisation, command: AnyCommand
) -> Case | CountersignError:
    try:
        return advance(app.supposed(case.process, supposed, tx), case, command, app.now()).case
    except CountersignError as error:
        return error


def _told(  # noqa: PLR0917
    app: Countersign,
    tx: Connection,
    by: By,
    case: Case,
    task: Task,
    to: tuple[str, ...],
    *,
    stays: bool,
    refused: CountersignError | None = None,
) -> Foreseen:
    seen = by.viewer is None or visibility.may_see(tx, by.person, case.id)
    title = str(case.form.get("title") or "") if seen else ""
    label = app.process(case.process, tx).label(task.step)
    return Foreseen(case.id, case.number or "", title, label, to, stays, refused)
