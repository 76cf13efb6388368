"""The parts of an approval sheet that go beyond its case: ways back, signers, readers, what became of the task.

What a return would lead to is not told from the definition, it is tried. Refuses to decide who may see the sheet.
"""

from collections.abc import Iterator, Sequence

from engine.errors import CountersignError
from engine.machine.advance import advance
from engine.machine.case import Case, Task, entry_of
from engine.machine.commands import Decide, Operate
from engine.machine.process import Process
from engine.machine.returns import SUBMITTER, targets
from engine.machine.signers import is_opinion
from engine.organisation import Organisation
from engine.service import showing
from engine.service.app import Countersign
from engine.service.explaining import TRIED, current, untimed
from engine.service.sheet_views import Gone, Reader, Signer, WayBack
from engine.store.history import Entry
from engine.values import NO_TEXT


def ways_back(app: Countersign, process: Process, organisation: Organisation, case: Case, task: Task) -> list[WayBack]:
    """Where a return from this task may go, with who is asked then. Whatever means the same place is named once."""
    found: dict[tuple[str, ...], WayBack] = {}
    if "return" not in process.decisions(case, task) or is_opinion(task, case.tasks):
        return []
    for to in targets(process, case, task.step):
        command = Decide(actor=task.person, task=task.id, decision="return", remark=TRIED, to=to)
        try:
            moved = advance(process, case, command, app.now()).case
        except CountersignError:
            continue  # refused now, so nobody can go there
        if to == SUBMITTER:
            found[(SUBMITTER,)] = WayBack(to, NO_TEXT, resume=process.resume)
            continue
        nodes = tuple(map(untimed, current(showing.chain_view(organisation, process.chain(moved)))))
        place = tuple(node.id for node in nodes)
        if moved.round == case.round:  # others at the step decide before it goes anywhere
            place, nodes = (to,), ()
        label = NO_TEXT if to == "previous" else process.label(to)
        found.setdefault(place, WayBack(to, label, nodes))
    return list(found.values())


def operations(process: Process, case: Case, task: Task) -> tuple[str, ...]:
    """What its person may do with an open task besides deciding; who claimed it may give it back instead."""
    is_claimed = any(_is_beside(other, task) and other.reason == "claimed" for other in case.tasks)
    found = process.operations(case, task)
    has_colleagues = any(_is_beside(other, task) and other.is_pending for other in case.tasks)
    return tuple(
        "release" if one == "claim" and is_claimed else one for one in found if one != "claim" or has_colleagues
    )


def may_take_back(app: Countersign, process: Process, case: Case, person: str) -> bool:
    """Whether `person` may decide again what they decided last."""
    try:
        advance(process, case, Operate(actor=person, operation="take_back"), app.now())
    except CountersignError:
        return False
    return True


def removable(organisation: Organisation, case: Case, task: Task) -> Iterator[Signer]:
    """Those whom the task's person brought in and who have not decided."""
    for other in case.tasks:
        is_added = other.asked_by == task.person and _is_beside(other, task) and other.id != task.id
        if is_added and other.is_pending and other.signs:
            yield Signer(other.id, organisation.name(other.person), other.place)


def readers(process: Process, organisation: Organisation, case: Case) -> Iterator[Reader]:
    """Everybody who reads along, each once, with when they said that they have."""
    latest = {task.person: task for task in case.tasks if task.verb == "copy" and task.state != "cancelled"}
    for task in latest.values():
        yield Reader(organisation.name(task.person), process.label(task.step), task.decided_at)


def gone(organisation: Organisation, case: Case, task: Task) -> Gone | None:
    """What became of a task that waits for its person no more, or not yet; None while it does or once they decided."""
    if task.state in ("open", "decided"):
        return None
    if task.state == "waiting":
        whom = [other for other in case.tasks if other.of == task.id and other.is_pending]
        if task.reason == "claimed":
            whom = [other for other in case.tasks if _is_beside(other, task) and other.state == "open"]
        return Gone(task.reason or "in_line", to=tuple(organisation.name(one.person) for one in whom))
    now = [other for other in case.tasks if _is_beside(other, task) and other.opened_at == task.decided_at]
    by = "" if task.decided_by in (None, "system") else organisation.name(task.decided_by or "")
    return Gone(task.reason, by, task.decided_at, tuple(organisation.name(one.person) for one in now))


def last_seen(
    entries: Sequence[Entry], person: str, task: Task, opened: int | None, mailed: int | None
) -> tuple[int, str]:
    """The entry up to which `person` knows the case, and how: they had it open, were asked (by the
    mail that led them here), or acted last."""
    if opened is not None:
        return opened, "opened"
    if mailed is not None:
        return mailed, "asked"
    acted = [entry.seq for entry in entries if entry.actor == person]
    return (acted[-1], "acted") if acted else (entry_of(task), "asked")


def _is_beside(other: Task, task: Task) -> bool:
    return (other.step, other.round) == (task.step, task.round) and other.id != task.id
