"""Which approvals still stand when a case is come to again: what makes a return cost no more than it must.

An approval binds to digests of what it looked at (aspects of the form). After a return the policy says which approvals
may stand at all; those whose aspects changed never do. Refuses to let one stand without a record of who gave it, and
to let anything stand `at_returner` without a record of who returned the case.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from engine.machine.aspects import digests
from engine.machine.case import Case, Task
from engine.machine.chains import Column, Countersign, state_of
from engine.machine.signers import is_opinion

if TYPE_CHECKING:
    from engine.machine.process import Process

Resume = Literal["restart", "at_returner", "changed_aspects"]


def unchanged(process: "Process", case: Case, task: Task) -> bool:
    """Whether everything that the step of `task` looks at is as it was when the task was decided."""
    wanted = process.aspects_of(case, task.step)
    now = digests({name: process.looked_at[name] for name in wanted}, case.judged)
    return bool(task.saw) and all(task.saw.get(name) == digest for name, digest in now.items())


def in_force(case: Case) -> tuple[Task, ...]:
    """The decisions for the case that count on its way now: of each step those of its latest round."""
    latest: dict[str, int] = {}
    for task in case.tasks:
        if task.round >= case.since:
            latest[task.step] = max(latest.get(task.step, 0), task.round)
    return tuple(
        task
        for task in case.tasks
        if task.round == latest.get(task.step)
        and task.state == "decided"
        and task.decision in ("approve", "acknowledge")
        and task.decided_by
        and not is_opinion(task, case.tasks)
    )


def standing(process: "Process", case: Case, returner: str, *, without: Sequence[str] = ()) -> tuple[str, ...]:
    """The approvals that stand when `returner` (a step) has sent the case back, by the definition's policy.

    `without`: steps that are to decide anew whatever the policy.
    """
    if process.resume == "restart" or (process.resume == "at_returner" and not returner):
        return ()
    names = places(process.chains[case.route or ""])
    last = names.get(returner, -1) if process.resume == "at_returner" else len(names)
    return tuple(
        task.id
        for task in in_force(case)
        if task.step in names
        and names[task.step] <= last
        and task.step not in without
        and (process.resume == "changed_aspects" or task.step != returner)
        and unchanged(process, case, task)
    )


def untouched(process: "Process", case: Case) -> tuple[str, ...]:
    """The decisions in force for what is still as it was; no policy for returns is asked."""
    return tuple(task.id for task in in_force(case) if unchanged(process, case, task))


def voided(process: "Process", case: Case) -> tuple[str, ...]:
    """The steps of the case's chain with a decision in force for something that has changed since."""
    names = places(process.chains[case.route or ""])
    found = [task.step for task in in_force(case) if task.step in names and not unchanged(process, case, task)]
    return tuple(sorted(dict.fromkeys(found), key=lambda step: names[step]))


def places(columns: Sequence[Column]) -> dict[str, int]:
    """The place of each step in a chain; the branches of a countersign share one."""
    return {
        step: place
        for place, column in enumerate(columns)
        for step in (
            [placed.step.name for placed in column.branches] if isinstance(column, Countersign) else [column.step.name]
        )
    }


def kept_at(process: "Process", case: Case, step: str) -> tuple[Task, ...]:
    """The standing decisions of a step; none where the chain now has another step of the same name."""
    kept = tuple(task for task in case.tasks if task.id in case.standing and task.step == step)
    now = process.kinds.get(state_of(case.route or "", step))
    same = [kind for chain in process.chains if (kind := process.kinds.get(state_of(chain, step))) is not None]
    return kept if all(kind == now for kind in same) else ()
