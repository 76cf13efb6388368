"""Parent and child cases (子案): a case that waits for others has them opened, held and cancelled, and hears of them.

Each of these is an effect in a transaction of its own, harmless twice: a child's id is fixed when it is planned, and
every command has its effect's key. A child is opened under its parent's lock, so that one that is not wanted any more
is never opened afterwards.
"""

from typing import Any

import structlog
from sqlalchemy import Connection

from engine.definition.model import Definition
from engine.errors import InvalidForm, NotFound
from engine.machine.advance import create
from engine.machine.case import Case, ProcessRef
from engine.machine.commands import AddChild, Cancel, ChildMoved, Create, Hold, Submit
from engine.machine.outcome import CancelChild, HoldChild, OpenChild, TellParent
from engine.machine.states import SUSPENDED
from engine.service import running
from engine.service.app import Countersign
from engine.service.budgeting import SHORT
from engine.service.cases import load_visible
from engine.service.definitions import newest
from engine.service.numbers import case_number
from engine.service.views import Viewer
from engine.store import cases
from engine.store.cases import Locked, Recorded
from engine.store.rows import Decided

UNKNOWN = "cancelled"

log = structlog.get_logger()


class _NotWanted(Exception):
    """The parent does not wait for this case any more."""


def open_child(app: Countersign, effect: OpenChild, key: str) -> None:
    """Open it as its parent's submitter, and submit it where the values that were passed make a whole form.

    A definition that is not published any more counts as a child that was cancelled: the parent goes on by its rules.
    """
    try:
        ref, definition = newest(app, effect.definition)
    except NotFound:
        log.error("no_such_definition", case=effect.parent.case, definition=effect.definition)
        told = ChildMoved(actor="system", via="timer", child=effect.child, state=UNKNOWN, seq=1, ended=True)
        running.carry_out(app, effect.parent.case, told, key=key)
        return
    try:
        case = cases.create(app.db, key, lambda tx: _created(app, tx, effect, ref, definition)).case
    except _NotWanted:
        return
    whole = definition.proposal.parse(case.form, whole=True)
    if case.seq == 1 and not whole.problems:
        _submit(app, case, definition, whole.values, key=f"{key}:submit")
    hold_child(app, effect.parent.case, HoldChild(effect.child), key=f"{key}:hold")  # it may stand still by now


def hold_child(app: Countersign, case_id: str, effect: HoldChild, key: str) -> None:
    """Let it stand still or go on as its parent does now, and not as it did when this was asked: one that is tried
    again late finds what came after it. One that is not open yet is held when it is opened."""

    def command(locked: Locked) -> Hold:
        parent = cases.load(locked.tx, case_id)  # under the child's lock: who changes it later comes here after this
        return Hold(actor="system", via="timer", still=parent.state == SUSPENDED)

    try:
        running.carry_out(app, effect.child, command, key=key)
    except NotFound:
        return


def cancel_child(app: Countersign, effect: CancelChild, key: str) -> None:
    """End it where it is. One that was never opened never will be."""
    try:
        running.carry_out(app, effect.child, Cancel(actor="system", via="timer", reason=effect.reason), key=key)
    except NotFound:
        return


def tell_parent(app: Countersign, case_id: str, effect: TellParent, key: str) -> None:
    """Tell where the case is. News that are older than what the parent knows change nothing."""
    told = ChildMoved(
        actor="system",
        via="timer",
        child=case_id,
        state=effect.state,
        seq=effect.seq,
        ended=effect.ended,
        number=effect.number,
    )
    running.carry_out(app, effect.parent, told, key=key)


def add(
    app: Countersign, viewer: Viewer, case_id: str, place: str, element: Any, *, key: str, via: str = "page"
) -> Recorded:
    """Open one more case in a state that lets a role of the viewer's. NotFound where they may not see the case."""
    with app.db.read() as tx:
        load_visible(app, tx, viewer, case_id)
    command = AddChild(actor=viewer.person, via=via, place=place, element=element)
    return running.carry_out(app, case_id, command, key=f"{viewer.person}:{key}")


def _created(app: Countersign, tx: Connection, effect: OpenChild, ref: ProcessRef, definition: Definition) -> Decided:
    parent = cases.locked(tx, effect.parent.case)
    planned = next((one for one in parent.children if one.id == effect.child), None) if parent else None
    if parent is None or planned is None or planned.outcome:
        raise _NotWanted
    taken = {name: value for name, value in effect.form.items() if name in definition.proposal.fields}
    form = definition.proposal.parse(taken, whole=False).values
    command = Create(actor=parent.submitter, via="timer", office=parent.office, parent=effect.parent, form=form)
    outcome = create(effect.child, ref, command, app.now(), app.process(ref, tx))
    return Decided(command, outcome, running.index_of(definition, app.organisation(tx), outcome.case))


def _submit(app: Countersign, case: Case, definition: Definition, form: dict[str, Any], *, key: str) -> None:
    def command(locked: Locked) -> Submit:
        number = locked.case.number or case_number(app, definition.proposal.numbering, locked)
        return Submit(actor=case.submitter, via="timer", form=form, number=number)

    try:
        running.carry_out(app, case.id, command, key=key)
    except InvalidForm as error:
        if any(problem.code != SHORT for problem in error.problems):
            raise
        log.warning("child_not_submitted", case=case.id, error=error.message)  # a draft, which its submitter changes
