"""A seat goes from one person to another: transferred, escalated, or handed over.

Who signs with the one signs with the other. Who has a seat at the step already decides once for both; who was only to
give an opinion there is asked to decide. Refuses to leave a seat to somebody whose word counts for nobody.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from engine.machine.case import Task
from engine.machine.journal import Journal
from engine.machine.outcome import TaskClosed, TaskOpened
from engine.machine.signers import everybody_with, is_counted, signers_of


def give(
    journal: Journal,
    task: Task,
    person: str,
    own: Task | None,
    *,
    why: str,
    asked_by: str,
    due_at: datetime | None,
    counted_from: datetime | None = None,
) -> Task:
    """`person` has the seat of `task` now; returns their task. `own` is the one that they had at the step before.

    Whoever had one keeps it, so `own` comes back as it was where it only counts for both.
    """
    tasks = journal.seats(task.step)
    journal.cancel(task, why)
    if own is None or own.state == "cancelled" or _gives_opinion(own, task, tasks):
        # a person has one task per round at a step: one that was given up, or was an opinion, is theirs again
        known = own or journal.open_task(task.step, task.verb, person, due_at=due_at)
        own = replace(task, id=known.id, person=person, opened_at=journal.now, due_at=due_at)
        own = replace(own, asked_by=asked_by, counted_from=counted_from)
        journal.record(TaskOpened(own))
    else:
        waits_for_it = own.reason == "claimed"
        if own in signers_of(task, tasks):
            waits_for_it |= own.reason == "after"
            reason = task.reason if own.reason == "after" else own.reason
            own = replace(own, of=task.of, place=task.place, weight=task.weight, reason=reason)
            journal.record(TaskClosed(own) if own.state == "decided" else TaskOpened(own))
        if task.state == "open" and waits_for_it:
            own = journal.call_up(own, due_at=due_at, since=counted_from)
    _hand_on(journal, task, own)
    return own


def _gives_opinion(own: Task, task: Task, tasks: Sequence[Task]) -> bool:
    """Whether what `own` says here would not count for the seat of `task`."""
    if own in everybody_with(task, tasks):
        return own not in signers_of(task, tasks)
    return is_counted(task, tasks) and not is_counted(own, tasks)


def _hand_on(journal: Journal, task: Task, fresh: Task) -> None:
    """Those who sign with the person of `task` sign with that of `fresh`."""
    for other in journal.seats(task.step):
        if other.of == task.id and other.state != "cancelled":
            moved = replace(other, of=fresh.id)
            journal.record(TaskClosed(moved) if moved.state == "decided" else TaskOpened(moved))
