"""The submitter urges (催办) those whom the case waits for: a notice to each, an entry in the history, nothing else.

A step is urged once in four working hours, so that nobody learns to overlook it. Refuses where nobody is asked.
"""

from datetime import datetime

from engine.errors import NotFound, UrgedAlready
from engine.machine.case import Case, Task
from engine.machine.deadlines import Calendar
from engine.machine.journal import Journal
from engine.machine.outcome import Noted, NotifyTask
from engine.machine.states import Refusal
from engine.values import Duration

EVERY = Duration.parse("4wh")
URGED = "urged"


def urge(journal: Journal) -> str:
    """Tell everybody whose step was not urged lately. Raises UrgedAlready where each was."""
    case = journal.case
    if journal.command.actor != case.submitter:
        raise NotFound()
    waiting = _waiting(case)
    if not waiting:
        raise Refusal
    calendar, now = journal.process.calendar, journal.now
    free = [task for task in waiting if _free_at(calendar, case, task) <= now]
    if not free:
        raise UrgedAlready(again=min(_free_at(calendar, case, task) for task in waiting))
    told = {_place(case, task): now.isoformat() for task in free}
    journal.record(Noted({URGED: {**(case.facts.get(URGED) or {}), **told}}))
    for task in free:
        journal.ask(NotifyTask(task.person, task.id, URGED))
    return ""


def may_urge(calendar: Calendar, case: Case, now: datetime) -> bool:
    """Whether the submitter may urge somebody now."""
    return any(_free_at(calendar, case, task) <= now for task in _waiting(case))


def _waiting(case: Case) -> list[Task]:
    return [task for task in case.tasks if task.state == "open" and task.signs]


def _place(case: Case, task: Task) -> str:
    return f"{case.round}/{task.step}"


def _free_at(calendar: Calendar, case: Case, task: Task) -> datetime:
    urged = (case.facts.get(URGED) or {}).get(_place(case, task))
    return calendar.due(datetime.fromisoformat(urged), EVERY) if urged else task.opened_at
