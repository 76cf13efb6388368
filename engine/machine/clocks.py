"""A step's clock, stopped while a question is open: its timers keep the time that was left.

Working days that pass meanwhile count as working days, so a reminder of one working day never falls due earlier than
it would have; a part of a day counts as it is, at most a whole one. What moves is when a span began: the deadline is
always the end of the span by the calendar, and can be counted again. Refuses to know why the clock was stopped.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from engine.machine.case import Stopped, Task, Timer
from engine.machine.deadlines import Calendar, due_at
from engine.machine.journal import Journal
from engine.machine.outcome import ClockStarted, ClockStopped, TaskOpened
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
        journal.arm_again(later(calendar, timer, stopped.at, journal.now))
    for task in journal.seats(step):
        if task.state == "open":
            spans = journal.process.spans(task, journal.case.route)
            journal.record(TaskOpened(asked_later(calendar, task, spans, stopped.at, journal.now)))


def forget(journal: Journal, step: str) -> None:
    """The step is left: there is nothing to go on with."""
    if _stopped(journal, step) is not None:
        journal.record(ClockStarted(step))


def is_stopped(journal: Journal, step: str) -> bool:
    """Whether the clock of a step stands still."""
    return _stopped(journal, step) is not None


def later(calendar: Calendar, timer: Timer, start: datetime, end: datetime) -> Timer:
    """`timer`, as if it had begun later by the time from `start` to `end`; one on the clock moves on the clock."""
    if timer.since is None:
        return replace(timer, due_at=timer.due_at + (end - start))
    return recounted(calendar, replace(timer, since=moved(calendar, timer.since, start, end)))


def recounted(calendar: Calendar, timer: Timer) -> Timer:
    """`timer`, due when its span is over by this calendar."""
    due = due_at(calendar, timer.spans, timer.since) if timer.since else None
    return replace(timer, due_at=due or timer.due_at)


def asked_later(calendar: Calendar, task: Task, spans: Sequence[Duration], start: datetime, end: datetime) -> Task:
    """`task`, as if its person, who has `spans`, had been asked later by the time from `start` to `end`."""
    since = max(task.counted_from or task.opened_at, start)
    if since > start:  # it was asked while the clock stood still: its time begins now
        since = end
    elif any(span.is_working for span in spans):
        since = moved(calendar, task.counted_from or task.opened_at, start, end)
    else:
        since = (task.counted_from or task.opened_at) + (end - start)
    return replace(task, counted_from=since, due_at=due_at(calendar, spans, since) if task.due_at else None)


def moved(calendar: Calendar, due: datetime, start: datetime, end: datetime) -> datetime:
    """`due`, later by the time from `start` to `end`."""
    days = 0
    while calendar.due(start, Duration(days + 1, "wd")) <= end:
        days += 1
    rest = end - (calendar.due(start, Duration(days, "wd")) if days else start)
    due += min(max(rest, timedelta()), _DAY)
    return calendar.due(due, Duration(days, "wd")) if days else due


def _stopped(journal: Journal, step: str) -> Stopped | None:
    return next((one for one in journal.case.stopped if one.step == step), None)
