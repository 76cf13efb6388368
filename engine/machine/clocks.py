"""A step's clock, stopped while a question is open: its timers keep the time that was left.

Working days that pass meanwhile count as working days, so a reminder of one working day never falls due earlier than
it would have; a part of a day counts as it is, at most a whole one. Refuses to know why the clock was stopped.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from engine.machine.case import Stopped, Task, Timer
from engine.machine.deadlines import Calendar
from engine.machine.journal import Journal
from engine.machine.outcome import ClockStarted, ClockStopped, TaskOpened, TimerArmed
from engine.values import Duration

_DAY = timedelta(days=1)


def stop(journal: Journal, step: str) -> None:
    """Stop the clock of a step; it may be stopped already."""
    if _stopped(journal, step) is None:
        timers = journal.timers_of(step)
        journal.disarm(timers)
        journal.record(ClockStopped(Stopped(step, journal.now, timers)))


def start(journal: Journal, step: str) -> None:
    """Let it go on: timers and due times move by the time it stood still. It may never have been stopped."""
    stopped = _stopped(journal, step)
    if stopped is None:
        return
    journal.record(ClockStarted(step))
    calendar = journal.process.calendar
    for timer in stopped.timers:
        due = moved(calendar, timer.due_at, stopped.at, journal.now)
        key = f"{journal.case.id}:{journal.case.seq}:{step}/{timer.name}"
        journal.record(TimerArmed(Timer(key, timer.name, due, step)))
    for task in journal.seats(step):
        if task.state == "open":
            journal.record(TaskOpened(_later(calendar, task, stopped.at, journal.now)))


def forget(journal: Journal, step: str) -> None:
    """The step is left: there is nothing to go on with."""
    if _stopped(journal, step) is not None:
        journal.record(ClockStarted(step))


def is_stopped(journal: Journal, step: str) -> bool:
    """Whether the clock of a step stands still."""
    return _stopped(journal, step) is not None


def moved(calendar: Calendar, due: datetime, start: datetime, end: datetime) -> datetime:
    """`due`, later by the time from `start` to `end`."""
    days = 0
    while calendar.due(start, Duration(days + 1, "wd")) <= end:
        days += 1
    rest = end - (calendar.due(start, Duration(days, "wd")) if days else start)
    due += min(max(rest, timedelta()), _DAY)
    return calendar.due(due, Duration(days, "wd")) if days else due


def _later(calendar: Calendar, task: Task, start: datetime, end: datetime) -> Task:
    counted = max(task.counted_from or task.opened_at, start)
    if counted > start:  # it was asked while the clock stood still: its time begins now
        due = task.due_at and task.due_at + (end - counted)
        return replace(task, counted_from=end, due_at=due)
    due = task.due_at and moved(calendar, task.due_at, start, end)
    return replace(task, counted_from=moved(calendar, task.counted_from or task.opened_at, start, end), due_at=due)


def _stopped(journal: Journal, step: str) -> Stopped | None:
    return next((one for one in journal.case.stopped if one.step == step), None)
