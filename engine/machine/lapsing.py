"""What becomes of an approval step when its time is over and it does not escalate: returned, rejected, or passed.

Passing by itself has a limit, asked when the time is over: above it the step escalates like any other. Refuses to
write a decision in anybody's name: the tasks are cancelled with the reason.
"""

from typing import TYPE_CHECKING

from engine.machine.case import Task
from engine.machine.deadlines import Timeout
from engine.machine.journal import Journal
from engine.machine.signers import is_opinion

if TYPE_CHECKING:
    from engine.machine.tally import Verdict

LAPSED: dict[str, str] = {"return": "auto_returned", "reject": "auto_rejected", "approve": "auto_passed"}
"""The rung of a ladder and the reason with which the tasks are cancelled."""


def passes(timeout: Timeout, journal: Journal) -> bool:
    """Whether silence counts as approval for this form: only within the limit, not where that is in doubt, and not as
    the second opinion on what an approver changed."""
    within = timeout.passes is not None and timeout.passes.is_within(journal.case.judged)
    return within and not _is_unseconded(journal)


def _is_unseconded(journal: Journal) -> bool:
    case, now = journal.case, journal.digests()
    if case.editor in ("", case.submitter):
        return False
    given = [task for task in case.tasks if task.decision == "approve" and task.saw == now]
    approved = [task for task in given if not is_opinion(task, case.tasks)]
    return all(case.editor in (task.person, task.decided_by) for task in approved)


def lapse(journal: Journal, step: str, verdict: str, state: str) -> str:
    """The step ends as its definition says; returns the event that moves the chart."""
    for task in journal.seats(step):
        if task.state in ("open", "waiting"):
            journal.cancel(task, LAPSED[verdict])
    journal.cause = (step, verdict)
    return f"{state}.{verdict}"


def lapsed(tasks: tuple[Task, ...]) -> "Verdict | None":
    """What time made of the step these tasks belong to; None where people decided, or still may."""
    for verdict, reason in LAPSED.items():
        if any(task.reason == reason for task in tasks):
            return verdict  # type: ignore[return-value]  # the keys are verdicts
    return None
