"""Several decisions at once, for scripts: first the list, then each task in a transaction of its own."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Key, Reader
from api.errors import problem_body
from api.rest.answers import answer
from engine.service import bulk
from engine.service.operations import Door

router = APIRouter(tags=["tasks"])


class Chosen(BaseModel):
    """A task to decide on with others."""

    model_config = ConfigDict(extra="forbid")

    task: str
    seen_seq: int = Field(description="The `seq` that the list gave; a case that moved on since then is left out")


class Together(BaseModel):
    """Tasks to decide on together."""

    model_config = ConfigDict(extra="forbid")

    tasks: list[Chosen] = Field(min_length=1, max_length=bulk.MOST)
    remark: str = Field("", description="Of each of them; may be left out")


@router.get("/tasks/decisions", dependencies=[for_reading("cases.act")])
def listed(app: App, caller: Reader, task: Annotated[list[str], Query(min_length=1, max_length=bulk.MOST)]) -> Response:
    """Which of these tasks can be decided together (`included`), and why the others cannot (`left`)."""
    included, left = [], []
    for row in bulk.listed(app, caller, task):
        if row.left is None:
            included.append({"id": row.id, "task": row.task, "decision": row.decision, "seen_seq": row.seen_seq})
        else:
            left.append({"id": row.id, "task": row.task, "because": problem_body(row.left), "reasons": row.reasons})
    return answer({"included": included, "left": left})


@router.post("/tasks/decisions", dependencies=[for_acting("cases.act")])
def decide(app: App, caller: Caller, key: Key, body: Together) -> Response:
    """Approve, or acknowledge, each of these tasks, one transaction per case; `left` says what was left out and why."""
    chosen = {one.task: one.seen_seq for one in body.tasks}
    done, left = [], []
    for one in bulk.decide(app, Door(caller, key, "api"), chosen, remark=body.remark):
        told: dict[str, Any] = {"id": one.id, "case_id": one.case_id, "number": one.number}
        if one.left is None:
            done.append(told | {"decision": one.decision, "state": one.state})
        else:
            left.append(told | {"because": problem_body(one.left)})
    return answer({"done": done, "left": left})
