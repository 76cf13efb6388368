"""Who is asked a second time in a round, and need not decide again by the definition's `repeat`.

Refuses to take a decision for one on something that its person has not seen.
"""

from typing import TYPE_CHECKING

from engine.machine.journal import Journal
from engine.machine.signers import is_opinion

if TYPE_CHECKING:
    from engine.machine.steps import Approval


def approved_before(journal: Journal, step: "Approval") -> frozenset[str]:
    """Who approved in this round already what `step` looks at, as it is now, and so does not at `step`; with
    carry_adjacent only in the column before."""
    case, now = journal.case, journal.digests()
    looked_at = step.aspects or tuple(now)
    done = [
        task
        for task in case.tasks
        if task.round == case.round
        and task.decision == "approve"
        and not is_opinion(task, case.tasks)
        and all(task.saw.get(aspect) == now[aspect] for aspect in looked_at)
    ]
    if step.repeat == "carry_adjacent":
        near = journal.process.column_before(case, step.name)
        done = [task for task in done if task.step in near]
    return frozenset(task.person for task in done)
