"""Decide on several tasks at once (批量审批): which can be decided together, what is left out and why, then each alone.

Every case is a transaction of its own, and what would leave it out is asked again under its lock: a case that moved on
after the list was shown is not decided. Refuses what nobody should decide in a row of others: amounts above the limit
of the definition, confidential cases unless it allows them, steps with choices of their own, open questions, changes
that the person has not looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from engine.errors import CountersignError, LeftOut, NotFound, Problem
from engine.machine.advance import advance
from engine.machine.case import Case, Decision
from engine.machine.commands import Decide
from engine.service import running, standins, stepping_up
from engine.service.app import Countersign
from engine.service.approvals import by_name
from engine.service.fields import field_views, hidden, limited, seen_reasons
from engine.service.operations import Door
from engine.service.showing import flags_of, person_name, state_label, task_row
from engine.service.views import FieldView, TaskRow, Viewer
from engine.store import cases, history, visibility
from engine.store import inbox as inboxes
from engine.store.lines import TaskLine
from engine.values import NO_TEXT, Bilingual

TOGETHER: Mapping[str, Decision] = {"approve": "approve", "file": "acknowledge"}
MOST = 200
_ALONE = Problem("bulk.alone", "this case is decided by itself", "open the sheet")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One task of the list. `left` says why it is left out, None where it can be decided together with the others;
    `task` is None where there is none of that name for the viewer. `reasons` are the comparisons behind a limit."""

    id: str
    task: TaskRow | None = None
    decision: Decision | None = None
    seen_seq: int = 0
    left: CountersignError | None = None
    reasons: tuple[str, ...] = ()
    fields: tuple[FieldView, ...] = ()


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of one task: decided, and the state its case has now; or left out, and why."""

    id: str
    decision: Decision | None = None
    case_id: str = ""
    number: str = ""
    title: str = ""
    state: str = ""
    state_label: Bilingual = NO_TEXT
    left: CountersignError | None = None


@dataclass(frozen=True, slots=True)
class _Looked:
    """A task with its case as it is now, and the entry up to which its person has seen the case."""

    line: TaskLine
    case: Case
    seen: int


def listed(app: Countersign, viewer: Viewer, tasks: Sequence[str]) -> tuple[Candidate, ...]:
    """These tasks, each with whether it would be decided together with the others; 200 at most are looked at."""
    with app.db.read() as tx:
        return tuple(_candidate(app, tx, viewer, task) for task in tuple(dict.fromkeys(tasks))[:MOST])


def decide(app: Countersign, door: Door, chosen: Mapping[str, int], *, remark: str = "") -> tuple[Handled, ...]:
    """Decide on each of these tasks for its case: approve, or acknowledge a filing. One transaction per case.

    `chosen` gives the `seq` of the case that was looked at, by task. The door's key again gives the first outcome of
    each. Never raises for one task: what was left out says why, and the others go on.
    """
    return tuple(_handled(app, door, task, seen, remark.strip()) for task, seen in chosen.items())


def _candidate(app: Countersign, tx: Connection, viewer: Viewer, task: str) -> Candidate:
    line = _line(app, tx, viewer, task)
    if line is None:
        return Candidate(task, left=NotFound())
    case = cases.load(tx, line.case_id)
    for_whom = person_name(app.organisation(tx), line.person) if line.person != viewer.person else ""
    row = task_row(app, tx, line, viewer.person, flags=flags_of(line, app.now()), on_behalf_of=for_whom)
    unseen = hidden(app, tx, viewer.person, case)
    left: CountersignError | None = None
    try:
        command = _command(app, tx, viewer, _Looked(line, case, case.seq))
        advance(app.process(case.process, tx), case, command, app.now())
    except CountersignError as error:
        left = by_name(app, tx, error)
    above = isinstance(left, LeftOut) and any(problem.code == "bulk.limit" for problem in left.problems)
    definition = app.definition(case.process)
    return Candidate(
        id=task,
        task=row,
        decision=TOGETHER.get(line.verb),
        seen_seq=case.seq,
        left=left,
        reasons=seen_reasons(_reasons(app, case), unseen) if above else (),
        fields=field_views(definition, case.form, writable=False, unseen=unseen) if above else (),
    )


def _handled(app: Countersign, door: Door, task: str, seen: int, remark: str) -> Handled:
    with app.db.read() as tx:
        line = _line(app, tx, door.viewer, task)
        title = limited(app, tx, line.case, door.viewer.person).title if line is not None else ""
    if line is None:
        return Handled(task, left=NotFound())
    left: CountersignError | None = None
    state = line.case.state
    try:
        state = running.carry_out(
            app,
            line.case_id,
            lambda locked: _command(app, locked.tx, door.viewer, _Looked(line, locked.case, seen), remark),
            key=f"{door.viewer.person}:{door.key}:{task}",
        ).case.state
    except CountersignError as error:
        with app.db.read() as tx:
            left = by_name(app, tx, error)
    return Handled(
        id=task,
        decision=TOGETHER.get(line.verb),
        case_id=line.case_id,
        number=line.case.number or "",
        title=title,
        state=state,
        state_label=state_label(app.definition(line.case.process), state),
        left=left,
    )


def _line(app: Countersign, tx: Connection, viewer: Viewer, task: str) -> TaskLine | None:
    line = inboxes.find_task(tx, task)
    if line is None or not visibility.may_see(tx, viewer.person, line.case_id):
        return None
    return line if line.person == viewer.person or standins.ever(app, tx, viewer.person, line.person) else None


def _command(app: Countersign, tx: Connection, viewer: Viewer, looked: _Looked, remark: str = "") -> Decide:
    """The decision on a task of a case as it is now. Raises LeftOut with every reason against taking it in a row."""
    line = looked.line
    state = next(task.state for task in looked.case.tasks if task.id == line.id)
    problems = list(_against(app, tx, viewer, looked)) if state == "open" else []
    if problems:
        raise LeftOut(problems)
    return Decide(
        actor=viewer.person,
        on_behalf_of=line.person if line.person != viewer.person else "",
        via="bulk",
        task=line.id,
        decision=TOGETHER.get(line.verb, "approve"),
        remark=remark,
        seen_seq=looked.seen,
    )


def _against(app: Countersign, tx: Connection, viewer: Viewer, looked: _Looked) -> Iterator[Problem]:
    """Every reason against it. One that would tell of a field that the viewer does not see is not given as such."""
    line, case, seen = looked.line, looked.case, looked.seen
    definition, unseen = app.definition(case.process), hidden(app, tx, viewer.person, case)
    bulk, limit = definition.approval.defaults.bulk, definition.bulk_limit
    if line.verb == "work":
        yield Problem("bulk.choices", "this step has choices of its own", "open the sheet")
    if bulk == "never":
        yield Problem("bulk.never", "cases of this kind are decided one by one", "open the sheet")
    elif definition.proposal.visibility == "confidential" and (viewer.by_code or not bulk.confidential):
        yield Problem("bulk.confidential", "the case is confidential", "open the sheet")
    if limit is not None and not limit.holds(definition.context(case.judged)):
        fields = {path.removeprefix("form.") for path in limit.paths}
        above = Problem("bulk.limit", "it is above the limit for deciding together with others", "open the sheet")
        yield above if unseen.isdisjoint(fields) else _ALONE
    if viewer.is_stale and stepping_up.asks_anew(app, case):
        yield Problem("bulk.step_up", "its budget asks for a password given just now", "open the sheet")
    if any(question.answered_at is None for question in case.questions):
        yield Problem("bulk.question", "a question is open", "wait for the answer")
    if case.splitting is not None:
        why = "it stands just under a limit beside other cases of the office"
        split = Problem("bulk.splitting", why, "open the sheet")
        yield split if case.splitting.field not in unseen else _ALONE
    if seen > case.seq or (seen < case.seq and history.is_moved_on(tx, case.id, seen, viewer.person)):
        yield Problem("bulk.moved_on", "the case moved on after the list was shown", "look at it again")
    if case.drift is not None and case.drift.reapproves:
        drifted = Problem("bulk.drift", "the frozen audience is not what the form declared", "open the sheet")
        yield drifted if case.drift.field not in unseen else _ALONE
    elif 0 < history.last_by(tx, case.id, viewer.person) < case.form_seq:
        yield Problem("bulk.changed", "the proposal was changed after you last acted on it", "look at the changes")


def _reasons(app: Countersign, case: Case) -> tuple[str, ...]:
    definition = app.definition(case.process)
    limit = definition.bulk_limit
    return () if limit is None else tuple(map(str, limit.explain(definition.context(case.judged)).reasons))
