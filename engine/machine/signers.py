"""Who signs with whom at a step: signers added before, after and beside a person, and delegates.

A seat is a task of a step that counts by itself; those who sign with its person count through it. A seat is approved
when all of them approved, and refused with the first of them who refuses. A delegate gives an opinion that counts
nothing. Pure readings of tasks; `operations` changes them.
"""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from engine.machine.case import Decision, Task
from engine.machine.tally import Ballot

AGAINST: tuple[Decision, ...] = ("reject", "return")
REPLACED = ("transferred", "escalated", "removed", "lost_role", "left", "migrated")
"""Why a seat is there no more: the others that were cancelled had only not decided yet."""


def seats_of(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks that count by themselves, in the order in which they were asked."""
    return tuple(task for task in tasks if not task.of and task.state != "cancelled")


def ballots(tasks: Sequence[Task]) -> tuple[Ballot, ...]:
    """What the seats of a step come to."""
    if not any(task.of for task in tasks):  # nobody signs with another, as mostly
        return tuple([Ballot(None if one.is_pending else one.decision, one.weight) for one in seats_of(tasks)])
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


def everybody_with(task: Task, tasks: Sequence[Task]) -> Iterator[Task]:
    """Everybody who came in through a person: signers and delegates, and those whom these brought in."""
    for other in tasks:
        if other.of == task.id:
            yield other
            yield from everybody_with(other, tasks)


def is_opinion(task: Task, tasks: Sequence[Task]) -> bool:
    """Whether its person only gives an opinion: as a delegate, or as one who signs with a delegate."""
    return any(one.place == "delegate" for one in _upwards(task, tasks))


def is_counted(task: Task, tasks: Sequence[Task]) -> bool:
    """Whether what its person says counts: it is no opinion, and whom they sign with is still asked."""
    return not is_opinion(task, tasks) and all(one.state != "cancelled" for one in _upwards(task, tasks))


def _upwards(task: Task, tasks: Sequence[Task]) -> Iterator[Task]:
    """A task, that of the person it signs with, and so on."""
    above: Task | None = task
    while above is not None:
        yield above
        of = above.of
        above = next((other for other in tasks if other.id == of), None) if of else None


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
            return any(other.id == task.of and other.decision in ("approve", "abstain") for other in tasks)
        case _:
            return False  # in the line of a sequence, or set aside while somebody of the pool has claimed it


def undecided(task: Task) -> Task:
    """The task as it was before it was cancelled, or as it is."""
    return replace(task, state="waiting") if task.state == "cancelled" else task


def due_now(tasks: Sequence[Task]) -> list[Task]:
    """Who waited for others and waits no longer. A pool is asked again where nobody is left of those who claimed."""
    waiting = [task for task in tasks if task.state == "waiting"]
    called = [task for task in waiting if is_due(task, tasks)]
    if called or any(task.state == "open" for task in tasks):
        return called
    return [task for task in waiting if task.reason == "claimed"]


def _holds_up(other: Task, task: Task, tasks: Sequence[Task]) -> bool:
    if other.of != task.id or other.place not in ("before", "delegate"):
        return False
    return other.is_pending or any(signer.is_pending for signer in signers_of(other, tasks))
