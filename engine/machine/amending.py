"""An approver changes fields of the proposal together with their approval, where the step lets them.

A change of what others looked at voids their approvals, and the case goes through its chain again from the start:
approvals that still hold pass at once, everybody else is asked. Who changed it is the last editor, so somebody else
approves the change: where nobody else would, their own step is asked of others too. The submitter is told. Refuses
fields that the step may not write, and a change that would leave out steps of the way the case has, unless the
definition follows it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from engine.errors import InvalidForm, Problem
from engine.machine.asking import involved, strategies
from engine.machine.aspects import digests
from engine.machine.case import Case, Task
from engine.machine.chains import Countersign, holds
from engine.machine.commands import Decide
from engine.machine.drifting import is_approved
from engine.machine.filing import Filing
from engine.machine.journal import Journal
from engine.machine.outcome import FormSaved, NotifyOutcome, Turned
from engine.machine.process import Process
from engine.machine.rights import access
from engine.machine.signers import is_opinion
from engine.machine.standing import in_force, places, unchanged, voided
from engine.machine.steps import Approval, Copy
from engine.machine.wider import is_widening, refused
from engine.values import Bilingual

AMENDED = "amended"
Deciding = Approval | Filing


def changes_of(case: Case, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `values` that differ from the form; None empties a field."""
    return {name: value for name, value in values.items() if value != case.form.get(name)}


def amended(case: Case, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The form with the changes in it."""
    return {name: value for name, value in {**case.form, **changes}.items() if value is not None}


def refusals(process: Process, case: Case, task: Task, changes: Iterable[str]) -> list[Problem]:
    """One problem for each field that the person of `task` may not change, with who may."""
    step = process.step(case, task.step)[1]
    may_write = isinstance(step, Approval) and task.verb == "approve" and not is_opinion(task, case.tasks)
    refused = [name for name in changes if not may_write or access(step.fields, name) != "write"]
    return [_read_only(process, name) for name in refused]


def writers(process: Process, field: str) -> tuple[Bilingual, ...]:
    """The labels of the steps whose people may change a field, each once."""
    steps = (kind for kind in process.kinds.values() if isinstance(kind, Approval))
    labels = {step.name: process.label(step.name) for step in steps if access(step.fields, field) == "write"}
    return tuple(labels.values())


def asked_again(process: Process, case: Case, field: str) -> tuple[str, ...]:
    """The steps whose approvals a change of this field would void."""
    touched = {aspect for aspect, fields in process.looked_at.items() if not fields or field in fields}
    names = places(process.chains[case.route or ""])
    steps = dict.fromkeys(task.step for task in in_force(case) if task.step in names)
    return tuple(step for step in steps if touched.intersection(process.aspects_of(case, step)))


def amend(journal: Journal, task: Task, command: Decide, state: str) -> str:
    """Record the change and the approval; returns the event that moves the chart, empty where it stays."""
    before, process = journal.case, journal.process
    step = process.step(before, task.step)[1]
    changes = changes_of(before, command.form or {})
    if not changes:
        return step.decide(journal, task, command, state)
    if command.decision != "approve":
        raise InvalidForm([Problem("form.amended", "only an approval changes the proposal", at=next(iter(changes)))])
    if problems := refusals(process, before, task, changes):
        raise InvalidForm(problems)
    if is_widening(before) and (problems := refused(process, before, changes)):
        raise InvalidForm(problems)
    form = amended(before, changes)
    looked_at = process.looked_at
    same_list = process.selected_by.isdisjoint(changes)
    judged = before.judge(form) if same_list else form
    if same_list and is_approved(before) and (wrong := process.wrong(judged)):
        raise InvalidForm(wrong)  # the customers that were counted would break a rule of the form
    was, now = digests(looked_at, before.judged), digests(looked_at, judged)
    touched = frozenset(name for name in now if now[name] != was[name])
    route, reasons = route_of(process, before, judged)
    refuse_shorter(process, before, judged, route, tuple(changes))
    editor = command.actor if touched else before.editor
    journal.record(FormSaved(form, editor, material=bool(touched), same_list=same_list))
    journal.ask(NotifyOutcome(before.submitter, AMENDED, seq=journal.case.seq))
    if not touched:
        return step.decide(journal, task, command, state)
    assert isinstance(step, Approval), "only an approval may write"
    void = (*voided(process, journal.case), *_colleagues(journal, task, touched))
    second = _is_seconded(journal, task, step, route, touched)
    if second and not void and _stays(journal, before, task, route):
        return step.decide(journal, task, command, state)
    journal.decide(task, "approve", remark=command.remark)
    stands = kept(journal, before, route, without=() if second else (task.id,))
    journal.cause = (task.step, AMENDED)
    journal.record(
        Turned(
            before.round + 1,
            "",
            AMENDED,
            command.actor,
            task.step,
            stands,
            route=route,
            reasons=reasons,
            void=tuple(dict.fromkeys(void if second else (*void, task.step))),
        )
    )
    return f"reroute.{route}"


def _read_only(process: Process, name: str) -> Problem:
    who = _named(writers(process, name))
    if not who["en"]:
        message = f"{name}: you cannot change this; the submitter may, once the case is returned"
        return Problem("form.read_only", message, at=name)
    message = f"{name}: you cannot change this; who may: {who['en']}, and the submitter once the case is returned"
    return Problem("form.read_only_here", message, at=name, fields={"who": who})


def _named(labels: Sequence[Bilingual]) -> dict[str, str]:
    return {
        "zh": "、".join(label.in_language("zh") for label in labels),
        "en": ", ".join(label.in_language("en") for label in labels),
    }


def route_of(process: Process, case: Case, form: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The chain of the amended form: another one only where the change itself leads to another row."""
    chosen, reasons = process.choose(process.context(form))
    if chosen == process.choose(process.context(case.judged))[0]:
        return case.route or "", ()  # an objection may have led it to its chain, and that stands
    return chosen, reasons


def refuse_shorter(process: Process, case: Case, form: dict[str, Any], route: str, changed: Sequence[str]) -> None:
    """InvalidForm where the case would not come to every step any more that it was to come through."""
    ahead = steps_of(process, route, form)
    if not process.is_decided(route, process.context(form)):
        raise InvalidForm([Problem("nobody_decides", f"nobody would decide on this case any more ({route})")])
    missing = [name for name in steps_of(process, case.route or "", case.judged) if name not in ahead]
    if missing and not process.may_shorten:
        steps = _named([process.label(name) for name in missing])
        message = f"with this change the case would not come to {steps['en']} any more; return it instead"
        raise InvalidForm([Problem("form.shorter", message, at=changed[0], fields={"steps": steps})])


def steps_of(process: Process, route: str, form: dict[str, Any]) -> dict[str, Deciding]:
    """The steps that decide on a case with this form on a chain, in their order."""
    values = process.context(form)
    return {
        placed.step.name: placed.step
        for column in process.chains[route]
        if holds(column.when, values)
        for placed in (column.branches if isinstance(column, Countersign) else (column,))
        if holds(placed.when, values) and not isinstance(placed.step, Copy)
    }


def _stays(journal: Journal, before: Case, task: Task, route: str) -> bool:
    """Whether the case can go on from where it is: the way to here is the same, and nobody is asked any more who may
    not decide after this change."""
    process, case = journal.process, journal.case
    pending = {seat.person for seat in case.tasks if seat.is_pending and seat.signs and seat.id != task.id}
    if route != before.route or pending & involved(process.directory, case):
        return False
    return _way_to(process, before, task.step) == _way_to(process, case, task.step)


def _way_to(process: Process, case: Case, last: str) -> list[tuple[str, tuple[str, ...]]]:
    """The steps up to the column of `last`, each with whom it asks."""
    order = places(process.chains[case.route or ""])
    steps = steps_of(process, case.route or "", case.judged)
    return [(name, _whom(case, step)) for name, step in steps.items() if order[name] <= order[last]]


def _whom(case: Case, step: Deciding) -> tuple[str, ...]:
    """Whom a step asks, persons that the form names by their accounts."""
    names = strategies(step.ask, case)
    chosen = (str(case.form.get(name[len("field(") : -1])) for name in names if name.startswith("field("))
    return (*names, *chosen)


def _colleagues(journal: Journal, task: Task, touched: frozenset[str]) -> tuple[str, ...]:
    """The step of the task, where others voted otherwise on what has changed."""
    if not touched.intersection(journal.process.aspects_of(journal.case, task.step)):
        return ()
    against = [seat for seat in journal.seats(task.step) if seat.decision not in (None, "approve")]
    return (task.step,) if against else ()


def kept(journal: Journal, before: Case, route: str, *, without: Sequence[str]) -> tuple[str, ...]:
    """The approvals that stand: what they looked at is as they saw it, and their step asks whom it asked then."""
    process, case = journal.process, journal.case
    order = places(process.chains[route])
    old = steps_of(process, before.route or "", before.judged)
    new = steps_of(process, route, case.judged)
    return tuple(
        task.id
        for task in in_force(case)
        if task.step in order
        and task.id not in without
        and task.step in old
        and task.step in new
        and _whom(before, old[task.step]) == _whom(case, new[task.step])
        and unchanged(process, case, task)
    )


def _is_seconded(journal: Journal, task: Task, step: Approval, route: str, touched: frozenset[str]) -> bool:
    """Whether of every aspect that changed, somebody else approves the change: at a step that looks at it and is yet to
    decide, or decided on just these values before."""
    process, case = journal.process, journal.case
    steps = steps_of(process, route, case.judged)
    looking = {
        name: touched.intersection(one.aspects or process.looked_at)
        for name, one in steps.items()
        if isinstance(one, Approval)
    }
    by_others = _by_others(journal, task, step, route, looking)
    return all(aspect in by_others for aspect in frozenset().union(*looking.values()))


def _by_others(
    journal: Journal, task: Task, step: Approval, route: str, looking: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """The aspects of the change that others come to approve whatever happens."""
    found: set[str] = set(looking.get(task.step, ())) if _needs_others(journal, task, step) else set()
    for column in journal.process.chains[route]:
        branches = column.branches if isinstance(column, Countersign) else (column,)
        names = [placed.step.name for placed in branches if placed.step.name in looking]
        others = [looking[name] for name in names if name != task.step and not _is_own(journal, task, name)]
        join = column.join if isinstance(column, Countersign) else None
        if join is None:
            found.update(*others)
        elif others and (task.step not in names or join > 1):
            found |= frozenset.intersection(*others)  # any of them may be the one that is not waited for
    return frozenset(found)


def _needs_others(journal: Journal, task: Task, step: Approval) -> bool:
    """Whether the approval of who amends is not enough for their own step."""
    alone = [
        seat if seat.id == task.id else replace(seat, state="open", decision=None)
        for seat in journal.seats(task.step)
        if seat.state != "cancelled"
    ]
    approved = [replace(seat, state="decided", decision="approve") if seat.id == task.id else seat for seat in alone]
    return step.result(approved) != "approve"


def _is_own(journal: Journal, task: Task, name: str) -> bool:
    """Whether the approvals of a step that stand are all of who amends."""
    process, case = journal.process, journal.case
    own = process.directory.accounts(journal.command.actor) | {task.person}
    given = [one for one in in_force(case) if one.step == name and unchanged(process, case, one)]
    return bool(given) and all(one.person in own or one.decided_by in own for one in given)
