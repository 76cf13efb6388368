"""Several decisions at once, for scripts: first the list, then each task in a transaction of its own."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Key, Reader
from api.errors import problem_body
from api.rest.answers import answer
from api.rest.described import Described
from engine.service import bulk
from engine.service.operations import Door
from engine.service.views import TaskRow

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["tasks"])


class Chosen(BaseModel):
    """A task to decide on with others."""

    model_config = ConfigDict(extra="forbid")

    task: str = Field(max_length=80, examples=["c1-4-0"])
    seen_seq: int = Field(
        ge=0,
        lt=2**31,
        examples=[4],
        description="The `seq` that the list gave; a case that moved on since then is left out",
    )


@dataclass(frozen=True, slots=True)
class Included:
    """A task that would be decided, how, and at which `seq` of its case."""

    id: str
    task: TaskRow | None
    decision: str | None
    seen_seq: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A task that would not be decided, because of a problem; `reasons` are the comparisons behind a limit."""

    id: str
    task: TaskRow | None
    because: dict[str, Any]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which tasks can be decided together."""

    included: list[Included]
    left: list[LeftOut]


@dataclass(frozen=True, slots=True)
class Done:
    """A task that was decided, and the state of its case since."""

    id: str
    case_id: str
    number: str
    decision: str | None
    state: str


@dataclass(frozen=True, slots=True)
class NotDone:
    """A task that was left, because of a problem."""

    id: str
    case_id: str
    number: str
    because: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of each task."""

    done: list[Done]
    left: list[NotDone]


class Together(BaseModel):
    """Tasks to decide on together."""

    model_config = ConfigDict(extra="forbid")

    tasks: list[Chosen] = Field(min_length=1, max_length=bulk.MOST)
    remark: str = Field("", max_length=5000, description="Of each of them; may be left out")


@router.get("/tasks/decisions", response_model=Choice, dependencies=[for_reading("cases.act")])
def listed(app: App, caller: Reader, task: Annotated[list[str], Query(min_length=1, max_length=bulk.MOST)]) -> Response:
    """Which of these tasks can be decided together (`included`), and why the others cannot (`left`)."""
    included: list[Included] = []
    left: list[LeftOut] = []
    for row in bulk.listed(app, caller, task):
        if row.left is None:
            included.append(Included(row.id, row.task, row.decision, row.seen_seq))
        else:
            left.append(LeftOut(row.id, row.task, problem_body(row.left), row.reasons))
    return answer(Choice(included, left))


@router.post("/tasks/decisions", response_model=Decided, dependencies=[for_acting("cases.act")])
def decide(app: App, caller: Caller, key: Key, body: Together) -> Response:
    """Approve, or acknowledge, each of these tasks, one transaction per case; `left` says what was left out and why."""
    chosen = {one.task: one.seen_seq for one in body.tasks}
    done: list[Done] = []
    left: list[NotDone] = []
    for one in bulk.decide(app, Door(caller, key, "api"), chosen, remark=body.remark):
        if one.left is None:
            done.append(Done(one.id, one.case_id, one.number, one.decision, one.state))
        else:
            left.append(NotDone(one.id, one.case_id, one.number, problem_body(one.left)))
    return answer(Decided(done, left))
