"""Who signs with whom at a step: signers added before, after and beside a person, and delegates.

A seat is a task of a step that counts by itself; those who sign with its person count through it. A seat is approved
when all of them approved, and refused with the first of them who refuses. A delegate gives an opinion that counts
nothing. Pure readings of tasks; `operations` changes them.
"""

from collections.abc import Iterator, Sequence

from engine.machine.case import Decision, Task
from engine.machine.tally import Ballot

AGAINST: tuple[Decision, ...] = ("reject", "return")


def seats_of(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks that count by themselves, in the order in which they were asked."""
    return tuple(task for task in tasks if not task.of and task.state != "cancelled")


def ballots(tasks: Sequence[Task]) -> tuple[Ballot, ...]:
    """What the seats of a step come to."""
    return tuple(Ballot(standing(seat, tasks), seat.weight) for seat in seats_of(tasks))


def standing(seat: Task, tasks: Sequence[Task]) -> Decision | None:
    """What a person and those who sign with them have decided together; None while one of them is out."""
    together = [seat, *signers_of(seat, tasks)]
    against = [task for task in together if task.decision in AGAINST]
    if against:
        return min(against, key=lambda task: (task.decided_at, task.id)).decision
    return None if any(task.is_pending for task in together) else seat.decision


def signers_of(task: Task, tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Everybody who signs with a person, also those whom these brought in; delegates and the removed do not."""
    return tuple(_below(task, tasks))


def _below(task: Task, tasks: Sequence[Task]) -> Iterator[Task]:
    for other in tasks:
        if other.of == task.id and other.place != "delegate" and other.state != "cancelled":
            yield other
            yield from _below(other, tasks)


def is_due(task: Task, tasks: Sequence[Task]) -> bool:
    """Whether a waiting task's reason to wait is over, so that its person is to be asked now."""
    match task.reason:
        case "before" | "delegated":
            return not any(_holds_up(other, task, tasks) for other in tasks)
        case "after":
            return any(other.id == task.of and other.decision == "approve" for other in tasks)
        case _:
            return False  # in the line of a sequence, or set aside while somebody of the pool has claimed it


def _holds_up(other: Task, task: Task, tasks: Sequence[Task]) -> bool:
    if other.of != task.id or other.place not in ("before", "delegate"):
        return False
    return other.is_pending or any(signer.is_pending for signer in signers_of(other, tasks))
