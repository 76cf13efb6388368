"""The approver's part: the inbox, the sheet, the decision.

A decision is one command on the case under its lock. Whoever comes second is told who was first, what they decided
and when; nothing a second click does changes anything.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, cast, get_args

from msgspec.structs import replace
from sqlalchemy import Connection

from engine.errors import AlreadyDecided, CountersignError, Invalid, NotFound, Problem, StandInOver, StandInTwice
from engine.machine.amending import asked_again, refusals
from engine.machine.case import Case, Decision, Task
from engine.machine.commands import Decide, Perform
from engine.machine.declared import events_for
from engine.machine.steps import settled_by
from engine.service import (
    access,
    amending,
    inbox_pages,
    proofs,
    referring,
    risks,
    running,
    sheet_parts,
    splitting,
    standins,
    stepping_up,
)
from engine.service.app import Countersign
from engine.service.cases import case_view, load_visible
from engine.service.fields import changes_between, field_views, hidden
from engine.service.showing import case_row, flags_of, person_name, questions_view, task_row
from engine.service.telling import form_at
from engine.service.views import Act, FieldView, Inbox, SheetView, Viewer
from engine.store import history
from engine.store import inbox as inboxes
from engine.store.cases import Locked, Recorded
from engine.store.definitions import ENDED
from engine.store.lines import TaskLine

OPINIONS = ("approve", "abstain", "reject", "return", "acknowledge", "object", "performed")


def inbox(app: Countersign, viewer: Viewer) -> Inbox:
    """What waits for the viewer, what they did, what they were copied on, and their own cases."""
    with app.db.read() as tx:
        now, me = app.now(), viewer.person
        own = tuple(task_row(app, tx, line, me, flags=flags_of(line, now)) for line in inboxes.to_do(tx, me))
        for_others = standins.to_do(app, tx, viewer)
        counts = inboxes.counts(tx, me)
        lines = inboxes.mine(tx, me)
        amended = history.amended(tx, [line.id for line in lines if line.state not in ENDED])
        return Inbox(
            to_do=splitting.flagged(app, tx, viewer, standins.in_order((*own, *for_others))),
            done=tuple(task_row(app, tx, line, me) for line in inboxes.done(tx, me)),
            copied=tuple(task_row(app, tx, line, me) for line in inboxes.copied(tx, me)),
            mine=tuple(dataclasses.replace(case_row(app, tx, line, me), amended=line.id in amended) for line in lines),
            counts={**counts, "to_do": counts["to_do"] + len(for_others)},
        )


def sheet(
    app: Countersign, viewer: Viewer, task_id: str, *, opened: int | None = None, mailed: int | None = None
) -> SheetView:
    """The sheet of a task. NotFound unless the task is the viewer's, or they may see its case.

    `opened`: the `seq` of the sheet that they sent, so that it tells what changed since then; `mailed`: the same of the
    link that led them here.
    """
    view, case = _sheet(app, viewer, task_id, opened, mailed)
    access.note(app, viewer, case)
    return view


def _sheet(
    app: Countersign, viewer: Viewer, task_id: str, opened: int | None, mailed: int | None
) -> tuple[SheetView, Case]:
    with app.db.read() as tx:
        line = inboxes.find_task(tx, task_id)
        if line is None:
            raise NotFound()
        case = load_visible(app, tx, viewer, line.case_id)
        view, entries = case_view(app, tx, viewer, case), history.load(tx, case.id)
        task = next(task for task in case.tasks if task.id == line.id)
        process, organisation = app.process(case.process, tx), app.organisation(tx)
        is_own = line.person == viewer.person
        represents = not is_own and viewer.person in standins.standing_in(app, tx, line.person, case)
        may = (is_own or represents) and line.state == "open"
        in_chain = line.verb != "work"
        asked = (is_own or represents) and in_chain  # a task of a chain that is the viewer's to act on
        seen, since = sheet_parts.last_seen(entries, viewer.person, task, opened, mailed)
        unseen = hidden(app, tx, viewer.person, case)
        decided_by = line.decided_by or _decided_instead(case, line)
        decided = is_own and line.state != "open" and view.waiting.state != "suspended"
        takes_back = decided and sheet_parts.may_take_back(app, process, case, viewer.person)
        shown = SheetView(
            case=view,
            task=task_row(
                app,
                tx,
                line,
                viewer.person,
                flags=flags_of(line, app.now()),
                on_behalf_of=person_name(organisation, line.person) if represents else "",
            ),
            decided_by=person_name(organisation, decided_by) if decided_by else "",
            opinions=tuple(entry for entry in view.history if entry.what in OPINIONS),
            changes=changes_between(app.definition(case.process), form_at(entries, seen), case.form, unseen),
            since=since,
            may_decide=may,
            acts=_acts(app, tx, line.person, case) if may and line.verb == "work" else (),
            decisions=process.decisions(case, task) if may and in_chain else (),
            writable=_writable(app, tx, case, task) if may and in_chain else (),
            operations=("take_back",) if takes_back else sheet_parts.operations(process, case, task) if asked else (),
            questions=questions_view(organisation, case, line.person if represents else viewer.person),
            node=next((node for column in view.chain.columns for node in column if node.id == line.step), None),
            ways_back=tuple(sheet_parts.ways_back(app, process, organisation, case, task)) if may and in_chain else (),
            removable=tuple(sheet_parts.removable(organisation, case, task)) if asked else (),
            readers=tuple(sheet_parts.readers(process, organisation, case)),
            risks=risks.risks(app, tx, viewer, case) if line.state == "open" else (),
            gone=sheet_parts.gone(organisation, case, task) if in_chain else None,
            proofs=proofs.seen_by(app, tx, viewer, case),
            next=None if may else next(iter(inbox_pages.first(app, tx, viewer, but=task_id)), None),
        )
    return shown, case


def _writable(app: Countersign, tx: Connection, case: Case, task: Task) -> tuple[FieldView, ...]:
    """The fields that may be changed with an approval of this task, each with whom a change asks again."""
    process, definition = app.process(case.process, tx), app.definition(case.process)
    names = [name for name in definition.proposal.fields if not refusals(process, case, task, (name,))]
    again = {name: tuple(process.label(step) for step in asked_again(process, case, name)) for name in names}
    listed = referring.choices(app, tx, definition, case)
    shown = field_views(definition, case.form, writable=True, people=listed, again=again)
    return tuple(field for field in shown if field.name in names)


def _acts(app: Countersign, tx: Connection, person: str, case: Case) -> tuple[Act, ...]:
    """What `person` may do with the case under a declared lifecycle."""
    process = app.process(case.process, tx)
    found = events_for(process, case, person)
    return tuple(Act(way.event, process.event_label(way.event), way.needs_reason) for way in found)


def act(
    app: Countersign,
    viewer: Viewer,
    task_id: str,
    name: str,
    *,
    remark: str,
    seen_seq: int | None,
    key: str,
    via: str = "page",
    to: str = "submitter",
    form: Mapping[str, Any] | None = None,
) -> Recorded:
    """Do what `name` says on a task of the viewer's: one of the decisions, or an event of a declared lifecycle.

    `form`: fields that an approval changes, where its step may write them.

    Raises as `decide`, and NotPossible for an event that is not open to the viewer.
    """
    with app.db.read() as tx:
        row = inboxes.find_task(tx, task_id)
        if row is None:
            raise NotFound()
        person = standins.represented(app, tx, viewer, row.person)
    stepping_up.check(app, viewer, row.case)
    if row.verb != "work":
        decision = decision_named(name)
        return decide(
            app, viewer, task_id, decision, remark=remark, seen_seq=seen_seq, key=key, via=via, to=to, form=form
        )
    command = Perform(
        actor=viewer.person,
        on_behalf_of=person,
        via=viewer.door(via),
        task=task_id,
        event=name,
        remark=remark.strip(),
        seen_seq=seen_seq,
    )
    return _told_by_name(app, row.case_id, command, key=f"{viewer.person}:{key}")


def perform(app: Countersign, viewer: Viewer, case_id: str, event: str, *, remark: str, key: str, via: str) -> Recorded:
    """Do an event of a declared lifecycle, with or without a task. NotFound where the viewer may not see the case."""
    with app.db.read() as tx:
        load_visible(app, tx, viewer, case_id)
    command = Perform(actor=viewer.person, via=viewer.door(via), event=event, remark=remark.strip())
    return _told_by_name(app, case_id, command, key=f"{viewer.person}:{key}")


def decision_named(name: str) -> Decision:
    """The decision called `name`. Raises Invalid where there is none of that name."""
    for decision in get_args(Decision):
        if decision == name:
            return cast("Decision", decision)
    raise Invalid([Problem("decision", "choose one of the decisions", at="decision")])


def _decided_instead(case: Case, line: TaskLine) -> str | None:
    """Who decided at the step of a task that was cancelled because one decision was enough."""
    task = next((task for task in case.tasks if task.id == line.id), None)
    settled = settled_by(task, case) if task is not None else None
    return settled.decided_by if settled is not None else None


def decide(
    app: Countersign,
    viewer: Viewer,
    task_id: str,
    decision: Decision,
    *,
    remark: str,
    seen_seq: int | None,
    key: str,
    via: str = "page",
    to: str = "submitter",
    form: Mapping[str, Any] | None = None,
) -> Recorded:
    """Decide on a task of the viewer's; the same `key` again gives the first result.

    `form`: fields that an approval changes, where its step may write them. Raises AlreadyDecided, OwnCase,
    ChangedMeanwhile or NotPossible, Invalid where a remark is missing or a value is wrong, and SignInAnew.
    """
    with app.db.read() as tx:
        row = inboxes.find_task(tx, task_id)
        if row is None:
            raise NotFound()
        person = standins.represented(app, tx, viewer, row.person)
    stepping_up.check(app, viewer, row.case)
    command = Decide(
        actor=viewer.person,
        on_behalf_of=person,
        via=viewer.door(via),
        task=task_id,
        decision=decision,
        remark=remark.strip(),
        seen_seq=seen_seq,
        to=to,
    )

    def with_changes(locked: Locked) -> Decide:
        changed = amending.changes(app, locked.tx, locked.case, task_id, form or {}, seen_seq=seen_seq)
        return replace(command, form=changed)

    return _told_by_name(app, row.case_id, with_changes if form else command, key=f"{viewer.person}:{key}")


def _told_by_name(
    app: Countersign, case_id: str, command: Decide | Perform | Callable[[Locked], Decide], *, key: str
) -> Recorded:
    """Carry it out; who was first is told by name."""
    try:
        return running.carry_out(app, case_id, command, key=key)
    except (StandInOver, StandInTwice, AlreadyDecided) as error:
        with app.db.read() as tx:
            raise by_name(app, tx, error) from error


def by_name(app: Countersign, tx: Connection, error: CountersignError) -> CountersignError:
    """The same refusal with the names of people instead of their accounts."""
    organisation = app.organisation(tx)
    if isinstance(error, StandInOver | StandInTwice):
        return type(error)(person=person_name(organisation, error.fields["person"]))
    if isinstance(error, AlreadyDecided):
        return AlreadyDecided(**error.fields | {"by": person_name(organisation, error.fields["by"])})
    return error
