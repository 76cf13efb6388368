"""Whose call lists are whose: what a caller may take, and who leads the list of a case.

A caller takes what is assigned to them, and what is assigned to nobody in cases of their office and those below it,
also of cases that are not theirs to see: of those they are shown whom to call and the script. A list is led by the
case's submitter, by heads, marketing and process administrators of its office or one above it, and by administrators.
Refuses to look at single calls.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from engine.delivery import pacing
from engine.delivery.channels import Call
from engine.delivery.plan import CallRules, Hours
from engine.errors import NotFound
from engine.machine.case import Case
from engine.organisation import Grant, Organisation
from engine.service.app import Countersign
from engine.service.recording import By
from engine.store import calls, cases, visibility, waves
from engine.store.session import database_now
from engine.store.waves import WaveRow

CALLER = "caller"
LEADS = ("head", "marketing", "process_admin")
WORKED = ("running", "gated", "done")
"""States of a wave whose calls may be made; while it is paused or cancelled nobody is called."""


@dataclass(frozen=True, slots=True)
class Worked:
    """A wave whose calls may be made while its hours are open, with its case."""

    wave: WaveRow
    case: Case


def worked(app: Countersign, tx: Connection) -> tuple[Worked, ...]:
    """The waves by call of cases that are delivering at this moment."""
    found = []
    for case_id in waves.cases_under_way(tx):
        rows = [row for row in waves.of_case(tx, case_id) if row.channel == Call.name and row.state in WORKED]
        if not rows:
            continue
        case = cases.load(tx, case_id)
        if case.state == "delivering":
            found += [Worked(row, case) for row in rows]
    return tuple(found)


def sought(app: Countersign, tx: Connection, person: str, *, at_any_hour: bool = False) -> calls.Sought:
    """Whose calls the person may take at this moment."""
    now, organisation = app.now(), app.organisation(tx)
    own = [one for one in worked(app, tx) if at_any_hour or pacing.is_open(one.wave.plan.hours, now, app.settings.zone)]
    pool = [one.wave.id for one in own if serves(organisation, person, one.case)]
    return calls.Sought(person, [one.wave.id for one in own], pool, now, database_now(tx))


def serves(organisation: Organisation, person: str, case: Case) -> bool:
    """Whether the person calls for the office of the case."""
    return any(one.role == CALLER for one in _at(organisation, organisation.held(person), case))


def callers(organisation: Organisation, case: Case) -> tuple[str, ...]:
    """Everybody who calls for the office of the case, by account."""
    line = organisation.line(case.office)
    held = {one.person for one in organisation.grants if one.role == CALLER and one.office in line}
    return tuple(sorted(person for person in held if organisation.is_active(person)))


def led(app: Countersign, tx: Connection, by: By, name: str) -> Case:
    """The case with this id or number, where who asks leads its call list. NotFound otherwise."""
    case_id = name
    if by.viewer is not None:
        line = visibility.named(tx, by.person, name)
        if line is None:
            raise NotFound()
        case_id = line.id
    else:
        found = cases.find(tx, name)
        if found is None:
            raise NotFound()
        case_id = found
    case = cases.load(tx, case_id)
    if not leads(app.organisation(tx), by, case):
        raise NotFound()
    return case


def leads(organisation: Organisation, by: By, case: Case) -> bool:
    """Whether who asks leads the call list of the case."""
    if by.viewer is None or by.viewer.has("administrator") or case.submitter == by.person:
        return True
    return any(one.role in LEADS for one in _at(organisation, organisation.held(by.person), case))


def rules_of(app: Countersign, case: Case) -> CallRules:
    """How often the customers of the case are called."""
    plan = app.definition(case.process).delivery
    assert plan is not None
    return plan.call_rules


def opens(app: Countersign, hours: Hours | None, at: datetime) -> datetime:
    """The first moment of the hours from `at` on."""
    return pacing.next_open(hours, at, app.settings.zone)


def by_id(rows: tuple[WaveRow, ...]) -> Mapping[str, WaveRow]:
    """The waves by call among them, by id."""
    return {row.id: row for row in rows if row.channel == Call.name}


def _at(organisation: Organisation, grants: tuple[Grant, ...], case: Case) -> list[Grant]:
    line = organisation.line(case.office)
    return [one for one in grants if one.office in line]
