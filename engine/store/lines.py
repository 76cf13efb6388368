"""Lines of lists: what a list shows of a case or a task, without reading the case's body."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from engine.machine.case import Decision, ProcessRef, TaskState, Verb
from engine.store.tables import cases, tasks

CASE_COLUMNS = (
    cases.c.id,
    cases.c.definition,
    cases.c.version,
    cases.c.fingerprint,
    cases.c.number,
    cases.c.title,
    cases.c.state,
    cases.c.office,
    cases.c.submitter,
    cases.c.budget,
    cases.c.reach,
    cases.c.updated_at,
)
TASK_COLUMNS = (
    tasks.c.id,
    tasks.c.case_id,
    tasks.c.step,
    tasks.c.verb,
    tasks.c.person,
    tasks.c.state,
    tasks.c.opened_at,
    tasks.c.due_at,
    tasks.c.decision,
    tasks.c.decided_by,
    tasks.c.decided_at,
)


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case in a list."""

    id: str
    process: ProcessRef
    number: str | None
    title: str
    state: str
    office: str
    submitter: str
    budget: Decimal | None
    reach: int | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task in a list, with its case."""

    id: str
    case_id: str
    step: str
    verb: Verb
    person: str
    state: TaskState
    opened_at: datetime
    due_at: datetime | None
    decision: Decision | None
    decided_by: str | None
    decided_at: datetime | None
    case: CaseLine


def case_line(row: Row[Any]) -> CaseLine:
    """From a row of CASE_COLUMNS."""
    return _case_line(tuple(row))


def task_line(row: Row[Any]) -> TaskLine:
    """From a row of TASK_COLUMNS and CASE_COLUMNS."""
    own, of_case = row[: len(TASK_COLUMNS)], tuple(row[len(TASK_COLUMNS) :])
    return TaskLine(*(*own, _case_line(of_case)))


def _case_line(values: tuple[Any, ...]) -> CaseLine:
    case_id, name, version, fingerprint, number, title, state, office, submitter, budget, reach, updated_at = values
    return CaseLine(
        id=case_id,
        process=ProcessRef(name, version, fingerprint),
        number=number,
        title=title,
        state=state,
        office=office,
        submitter=submitter,
        budget=None if budget is None else Decimal(budget),
        reach=reach,
        updated_at=updated_at,
    )
