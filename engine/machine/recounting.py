"""After a change of the working days: what counts them is counted again, from when it began to count.

`3wd` means three working days, so a deadline follows the calendar as it is known: later where a holiday was entered on
its way, earlier where a make-up day was. Whoever was told another time is told the new one. Refuses to take back what
has come: a deadline that is over stays, and none is moved into the past.
"""

from msgspec.structs import replace

from engine.machine.case import Stopped, Task, Timer
from engine.machine.clocks import recounted
from engine.machine.deadlines import due_at
from engine.machine.journal import Journal
from engine.machine.outcome import ClockStarted, ClockStopped, NotifyTask, TaskOpened

MOVED = "moved"
"""What the notice of a new deadline is about."""


def recount(journal: Journal) -> None:
    """Move timers, those of steps whose clock stands still, and the deadlines of tasks that go with them."""
    case = journal.case
    counted = {timer.step for timer in (*case.timers, *_held(journal)) if timer.span}
    for timer in case.timers:
        fresh = _fresh(journal, timer)
        if fresh != timer:
            journal.disarm((timer,))
            journal.arm_again(fresh)
    for stopped in case.stopped:
        timers = tuple(recounted(journal.process.calendar, timer) for timer in stopped.timers)
        if timers != stopped.timers:
            journal.record(ClockStarted(stopped.step))
            journal.record(ClockStopped(Stopped(stopped.step, stopped.at, timers)))
    for task in case.tasks:
        if task.state == "open" and task.step in counted:
            _recount_task(journal, task)


def _held(journal: Journal) -> tuple[Timer, ...]:
    return tuple(timer for stopped in journal.case.stopped for timer in stopped.timers)


def _fresh(journal: Journal, timer: Timer) -> Timer:
    fresh = recounted(journal.process.calendar, timer)
    return fresh if min(fresh.due_at, timer.due_at) > journal.now else timer


def _recount_task(journal: Journal, task: Task) -> None:
    since, process = task.counted_from or task.opened_at, journal.process
    due = due_at(process.calendar, process.spans(task, journal.case.route), since)
    if task.due_at is None or due is None or due == task.due_at or min(due, task.due_at) <= journal.now:
        return
    journal.record(TaskOpened(replace(task, due_at=due)))
    journal.ask(NotifyTask(task.person, task.id, MOVED))
