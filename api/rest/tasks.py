"""Decisions for scripts."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from api.deps import App, Caller, Key, Reader
from api.rest.answers import answer
from engine.service import approvals

router = APIRouter(tags=["tasks"])


class Decide(BaseModel):
    """A decision: approve, reject or return; acknowledge or object; read; done; or an event that the definition's own
    lifecycle declares."""

    model_config = ConfigDict(extra="forbid")

    decision: str = Field(examples=["approve"])
    remark: str = Field("", description="Required to return, reject or object")
    seen_seq: int | None = Field(None, description="The `seq` of the case that was looked at; refused if it is older")


@router.get("/tasks/{task_id}")
def sheet(app: App, caller: Reader, task_id: str) -> Response:
    """The approval sheet."""
    return answer(approvals.sheet(app, caller, task_id))


@router.post("/tasks/{task_id}/decision")
def decide(app: App, caller: Caller, key: Key, task_id: str, body: Decide) -> Response:
    """Decide. 409 names who was first where somebody was."""
    approvals.act(app, caller, task_id, body.decision, remark=body.remark, seen_seq=body.seen_seq, key=key, via="api")
    return answer(approvals.sheet(app, caller, task_id))
