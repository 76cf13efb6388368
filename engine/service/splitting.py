"""Several cases of one office just under a limit (拆分): found when a case is submitted, shown to who decides on it.

What was found is a part of the submission and stays in the history as it was. Refuses to tell the submitter, and to
name a case to who may not see it: those are only counted.
"""

from dataclasses import replace
from decimal import Decimal

from msgspec import structs
from sqlalchemy import Connection

from engine.machine.case import Case, Splitting
from engine.machine.commands import Submit
from engine.service.app import Countersign
from engine.service.fields import hidden
from engine.service.showing import case_row
from engine.service.views import SplittingView, TaskRow, Viewer
from engine.store import amounts, cases, visibility
from engine.store.cases import Locked


def looked_for(app: Countersign, locked: Locked, command: Submit) -> Submit:
    """The submission with what was found of its office's other cases, in the transaction that submits it."""
    case, now = locked.case, app.now()
    definition = app.definition(case.process)
    splitting = definition.approval.splitting
    amount = splitting.amount(definition.proposal.typed(command.form)) if splitting else None
    if splitting is None or amount is None:
        return command
    tx = locked.tx
    of = {"definition": definition.name, "office": case.office}
    amounts.take_turns(tx, **of)
    close = splitting.close(amount, definition.splitting_limits)
    found: Splitting | None = None
    if close is not None:
        since = now - splitting.within.on_the_clock()
        near = amounts.near(tx, case.id, **of, since=since, lowest=close.lowest, limit=close.limit)
        if near.count + 1 >= splitting.count:
            found = Splitting(
                field=splitting.field,
                limit=str(close.limit),
                lowest=str(close.lowest),
                since=since,
                count=near.count + 1,
                total=str(near.total + amount),
                cases=near.cases,
            )
    amounts.put(tx, case.id, **of, amount=amount, at=now, flagged=found is not None)
    return structs.replace(command, splitting=found)


def amended(app: Countersign, locked: Locked, case: Case) -> None:
    """An approver changed the form: the amount of the submission is what it says now. Nobody is flagged by that."""
    definition = app.definition(case.process)
    splitting = definition.approval.splitting
    amount = splitting.amount(definition.proposal.typed(case.form)) if splitting else None
    if amount is not None:
        amounts.change(locked.tx, case.id, amount)


def splitting_view(app: Countersign, tx: Connection, viewer: Viewer, case: Case) -> SplittingView | None:
    """What was found at the submission; None for the submitter, and for who does not see the amount."""
    found = case.splitting
    if found is None or not _is_told(app, tx, viewer, case):
        return None
    field = app.definition(case.process).proposal.fields[found.field]
    lines = [line for other in found.cases if (line := visibility.find(tx, viewer.person, other))]
    return SplittingView(
        label=field.label,
        kind=field.type,
        currency=getattr(field, "currency", ""),
        limit=Decimal(found.limit),
        lowest=Decimal(found.lowest),
        since=found.since,
        count=found.count,
        total=Decimal(found.total),
        cases=tuple(case_row(app, tx, line, viewer.person) for line in lines),
        others=found.count - 1 - len(lines),
    )


def _is_told(app: Countersign, tx: Connection, viewer: Viewer, case: Case) -> bool:
    """Whether the viewer is told: never the submitter, nor who does not see the amount."""
    field = case.splitting.field if case.splitting else ""
    return viewer.person != case.submitter and field not in hidden(app, tx, viewer.person, case)


def flagged(app: Countersign, tx: Connection, viewer: Viewer, rows: tuple[TaskRow, ...]) -> tuple[TaskRow, ...]:
    """The rows, those marked whose case stood just under a limit beside others, as far as the viewer is told."""
    known = amounts.flagged(tx, (row.case.id for row in rows))
    known = frozenset(one for one in known if _is_told(app, tx, viewer, cases.load(tx, one)))
    return tuple(replace(row, flags=(*row.flags, "splitting")) if row.case.id in known else row for row in rows)
