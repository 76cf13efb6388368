"""Carries a command out: lock, decide, record. Every change of a case goes through here."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Connection

from engine.definition.model import Definition
from engine.machine.advance import advance
from engine.machine.case import Case
from engine.machine.commands import AnyCommand, Edit, SelectAgain, Submit, Widen
from engine.machine.drifting import ANEW
from engine.machine.filing import numbered
from engine.machine.outcome import Drifted, FormSaved, Registered
from engine.organisation import Organisation
from engine.service import budgeting, group_pins, splitting
from engine.service.announcing import announced
from engine.service.app import Countersign
from engine.service.numbers import register_number
from engine.store import cases, marks, registers
from engine.store.cases import Locked, Recorded
from engine.store.rows import CaseIndex, Decided


def carry_out(
    app: Countersign, case_id: str, command: AnyCommand | Callable[[Locked], AnyCommand], *, key: str
) -> Recorded:
    """Carry `command` out on a case, in one transaction; the same `key` again returns the first result.

    A command that depends on the locked case (a number drawn in the same transaction) comes as a function. Raises
    what the machine refuses, with nothing written, and NotFound.
    """

    return cases.transition(app.db, case_id, key, lambda locked: decide(app, locked, command))


def decide(app: Countersign, locked: Locked, command: AnyCommand | Callable[[Locked], AnyCommand]) -> Decided:
    """What `command` comes to on a locked case."""
    case = locked.case
    asked = command(locked) if callable(command) else command
    if isinstance(asked, Submit):
        asked = budgeting.looked_for(app, locked, splitting.looked_for(app, locked, asked))
    if isinstance(asked, Widen):
        asked = budgeting.looked_for_more(app, locked, asked)
    process = app.process(case.process, locked)
    outcome = numbered(
        process,
        case,
        advance(process, case, asked, app.now()),
        lambda register, office: register_number(app, register, locked, office),
    )
    outcome = announced(app, locked, asked, outcome)
    budgeting.follow(app, locked, asked, outcome)
    for event in outcome.events:
        if isinstance(event, Registered):
            registers.put(locked.tx, case.id, event.registration.number)
    if isinstance(asked, SelectAgain) and outcome.case.facts.get(ANEW) and not case.facts.get(ANEW):
        group_pins.pin(locked.tx, app.definition(case.process), outcome.case, anew=True)
    if isinstance(asked, Edit | Submit) or any(isinstance(event, FormSaved | Drifted) for event in outcome.events):
        if not isinstance(asked, Edit):
            of_case = app.definition(case.process)
            group_pins.pin(locked.tx, of_case, outcome.case, anew=isinstance(asked, Submit))
        if not isinstance(asked, Edit | Submit):
            splitting.amended(app, locked, outcome.case)
        organisation, definition = app.organisation(locked), app.definition(case.process)
        if isinstance(asked, Submit) or _marks(definition, case) != _marks(definition, outcome.case):
            mark(locked.tx, definition, outcome.case)
        return Decided(asked, outcome, index_of(definition, organisation, outcome.case))
    return Decided(asked, outcome)


def mark(tx: Connection, definition: Definition, case: Case) -> None:
    """Keep by what lists and calendars find the case."""
    marks.put(tx, case.id, *_marks(definition, case))


def _marks(definition: Definition, case: Case) -> tuple[str, tuple[date, date] | None]:
    return str(case.form.get("title") or ""), definition.proposal.window(case.form)


def index_of(definition: Definition, organisation: Organisation, case: Case) -> CaseIndex:
    """By what lists find the case: the form's title, budget and reach; the offices on its way up."""
    return CaseIndex(
        title=str(case.form.get("title") or "")[:200],
        budget=_amount(case.form.get("budget")),
        reach=_count(case.judged.get("reach")),
        confidential=definition.proposal.visibility == "confidential",
        offices=organisation.line(case.office),
    )


def _amount(value: Any) -> Decimal | None:
    try:
        return None if value in (None, "") else Decimal(str(value))
    except InvalidOperation:
        return None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) else None
