"""The approver's part: the inbox, the sheet, the decision.

A decision is one command on the case under its lock. Whoever comes second is told who was first, what they decided
and when; nothing a second click does changes anything.
"""

from engine.errors import Invalid, NotFound, Problem
from engine.machine.case import Case, Decision, Task
from engine.machine.commands import Decide
from engine.service import running
from engine.service.app import Countersign
from engine.service.cases import case_view, load_visible
from engine.service.showing import changes_between, flags_of, task_row
from engine.service.views import Entry, Inbox, SheetView, Viewer
from engine.store import cases, history, inbox as inboxes
from engine.store.cases import Recorded

DECISIONS: dict[str, tuple[Decision, ...]] = {
    "approve": ("approve", "return", "reject"),
    "file": ("acknowledge", "object"),
    "copy": ("read",),
    "work": ("done",),
}
NEEDS_REMARK = ("return", "reject", "object")
OPINIONS = ("approve", "reject", "return", "acknowledge", "object")


def inbox(app: Countersign, viewer: Viewer) -> Inbox:
    """What waits for the viewer, what they did, what they were copied on, and their own cases."""
    with app.db.read() as tx:
        now = app.now()
        to_do = inboxes.to_do(tx, viewer.person)
        done = inboxes.done(tx, viewer.person)
        copied = inboxes.copied(tx, viewer.person)
        mine = inboxes.mine(tx, viewer.person)
        return Inbox(
            to_do=tuple(task_row(app, tx, row, flags_of(row, now)) for row in to_do),
            done=tuple(task_row(app, tx, row) for row in done),
            copied=tuple(task_row(app, tx, row) for row in copied),
            mine=tuple(running.case_row(app, tx, row) for row in mine),
            counts=inboxes.counts(tx, viewer.person),
        )


def sheet(app: Countersign, viewer: Viewer, task_id: str) -> SheetView:
    """The sheet of a task. NotFound unless the task is the viewer's, or they may see its case."""
    with app.db.read() as tx:
        row = inboxes.find_task(tx, task_id)
        if row is None:
            raise NotFound()
        case = load_visible(app, tx, viewer, row.case_id)
        view = case_view(app, tx, viewer, case)
        task = next((task for task in case.tasks if task.id == task_id), None)
        may = row.person == viewer.person and row.state == "open"
        settled = _settled_by(case, task) if task is not None else None
        return SheetView(
            case=view,
            task=task_row(app, tx, row, flags_of(row, app.now())),
            decided_by=running.name_of(app, tx, settled.decided_by) if settled and settled.decided_by else "",
            opinions=tuple(entry for entry in view.history if entry.what in OPINIONS),
            changes=changes_between(app.definition(case.process), _form_last_seen(tx, viewer, case), case.form),
            may_decide=may,
            decisions=DECISIONS[row.verb] if may else (),
        )


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
) -> Recorded:
    """Decide on a task of the viewer's; the same `key` again gives the first result.

    Raises AlreadyDecided, OwnCase, ChangedMeanwhile or NotPossible, and Invalid where a remark is missing.
    """
    with app.db.read() as tx:
        row = inboxes.find_task(tx, task_id)
        if row is None or row.person != viewer.person:
            raise NotFound()
    if decision not in DECISIONS[row.verb]:
        raise Invalid([Problem("decision", f"{decision} is not possible here", at="decision")])
    remark = remark.strip()
    if decision in NEEDS_REMARK and not remark:
        raise Invalid([Problem("remark_missing", "say why", "the others read it", at="remark")])
    command = Decide(
        actor=viewer.person, via=via, task=task_id, decision=decision, remark=remark, seen_seq=seen_seq
    )
    return running.carry_out(app, row.case_id, command, key=f"{viewer.person}:{key}")
