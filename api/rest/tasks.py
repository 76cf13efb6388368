"""Decisions for scripts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Key, Reader
from api.rest.answers import answer, tagged
from api.rest.described import Described
from engine.service import approvals, choosing, handing, operations
from engine.service.operations import Door
from engine.service.sheet_views import Choosing
from engine.service.views import SheetView

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["tasks"])


class Decide(BaseModel):
    """A decision: approve, reject or return; acknowledge or object; read; done; or an event that the definition's own
    lifecycle declares."""

    model_config = ConfigDict(extra="forbid")

    decision: str = Field(max_length=120, examples=["approve"])
    remark: str = Field("", max_length=5000, description="Required to return, reject or object")
    to: str = Field(
        "submitter", max_length=120, description="Where a return goes: submitter, previous, or an earlier step"
    )
    seen_seq: int | None = Field(
        None, ge=0, lt=2**31, description="The `seq` of the case that was looked at; refused if it is older"
    )
    form: dict[str, Any] | None = Field(
        None, description="Fields of the proposal that an approval changes, where its step may write them"
    )


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question on a task and its answer; people by their accounts."""

    id: str
    task: str
    step: str
    asker: str
    person: str
    text: str
    asked_at: datetime
    answer: str
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class HandedCase:
    """What became of a case; `refused` says why it was left as it is, empty where it was handed over."""

    task: str
    case_id: str
    number: str
    refused: str


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The cases that were handed over, and those that were left, with why."""

    done: tuple[HandedCase, ...]
    left: tuple[HandedCase, ...]


@router.get("/tasks/{task_id}", response_model=SheetView, dependencies=[for_reading("cases.read")])
def sheet(app: App, caller: Reader, task_id: str) -> Response:
    """The approval sheet. The ETag is the `seq` of the case, which a decision may name as `seen_seq`."""
    view = approvals.sheet(app, caller, task_id)
    return tagged(answer(view), view.case.seq)


@router.post("/tasks/{task_id}/decision", response_model=SheetView, dependencies=[for_acting("cases.act")])
def decide(app: App, caller: Caller, key: Key, task_id: str, body: Decide) -> Response:
    """Decide. 409 names who was first where somebody was."""
    approvals.act(
        app,
        caller,
        task_id,
        body.decision,
        remark=body.remark,
        seen_seq=body.seen_seq,
        key=key,
        via="api",
        to=body.to,
        form=body.form,
    )
    return answer(approvals.sheet(app, caller, task_id))


class Reasoned(BaseModel):
    """What an operation needs to say."""

    model_config = ConfigDict(extra="forbid")

    remark: str = Field("", max_length=5000, description="Why; the next person reads it")


class Onward(Reasoned):
    """To whom."""

    to: str = Field(max_length=40, description="The account of the next person", examples=["zhanglan"])


class Others(Reasoned):
    """Whom to bring in."""

    people: list[str] = Field(description="Accounts", min_length=1, max_length=50, examples=[["zhanglan"]])


class Signers(Others):
    """Who signs too, and when."""

    place: Literal["before", "after", "beside"] = Field("beside", description="before, after or beside you")


class Removal(Reasoned):
    """Whom to take back."""

    seat: str = Field(max_length=80, description="Their task", examples=["c1-4-0"])


class Question(BaseModel):
    """What to ask whom."""

    model_config = ConfigDict(extra="forbid")

    person: str = Field(max_length=40, examples=["wangmin"])
    text: str = Field(max_length=2000, examples=["Which tariff is meant?"])


class Reply(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=2000, examples=["The one of October"])


class HandOver(Reasoned):
    """Who leaves, and who takes their tasks on."""

    leaver: str = Field(max_length=40, examples=["hejing"])
    to: str = Field(max_length=40, examples=["zhanglan"])


@router.post("/tasks/{task_id}/transfer", response_model=SheetView, dependencies=[for_acting("cases.act")])
def transfer(app: App, caller: Caller, key: Key, task_id: str, body: Onward) -> Response:
    """Give the task to another person for good (转办)."""
    operations.transfer(app, Door(caller, key, "api"), task_id, body.to, remark=body.remark)
    return answer(approvals.sheet(app, caller, task_id))


@router.get("/tasks/{task_id}/people", response_model=Choosing, dependencies=[for_reading("cases.act")])
def people(
    app: App,
    caller: Reader,
    task_id: str,
    operation: Annotated[Literal["transfer", "delegate", "add_signer", "append", "copy", "ask"], Query()] = "transfer",
    q: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """Whom the task may be passed to, or who may be brought in, asked or copied: by name, account, office or role
    (`q`), likely people where that is empty."""
    return answer(choosing.choosing(app, caller, task_id, operation, query=q))


@router.post("/tasks/{task_id}/delegate", response_model=SheetView, dependencies=[for_acting("cases.act")])
def delegate(app: App, caller: Caller, key: Key, task_id: str, body: Onward) -> Response:
    """Have another person look first (委派); the task comes back with their opinion."""
    operations.delegate(app, Door(caller, key, "api"), task_id, body.to, remark=body.remark)
    return answer(approvals.sheet(app, caller, task_id))


@router.post("/tasks/{task_id}/signers", response_model=SheetView, dependencies=[for_acting("cases.act")])
def add_signers(app: App, caller: Caller, key: Key, task_id: str, body: Signers) -> Response:
    """Have others sign too (加签)."""
    door = Door(caller, key, "api")
    operations.add_signers(app, door, task_id, body.people, body.place, remark=body.remark)
    return answer(approvals.sheet(app, caller, task_id))


@router.post("/tasks/{task_id}/signers/remove", response_model=SheetView, dependencies=[for_acting("cases.act")])
def remove_signer(app: App, caller: Caller, key: Key, task_id: str, body: Removal) -> Response:
    """Take back whom you brought in (减签)."""
    operations.remove_signer(app, Door(caller, key, "api"), task_id, body.seat, remark=body.remark)
    return answer(approvals.sheet(app, caller, task_id))


@router.post("/tasks/{task_id}/append", response_model=SheetView, dependencies=[for_acting("cases.act")])
def append(app: App, caller: Caller, key: Key, task_id: str, body: Others) -> Response:
    """Have the step ask further people (追加)."""
    operations.append(app, Door(caller, key, "api"), task_id, body.people, remark=body.remark)
    return answer(approvals.sheet(app, caller, task_id))


@router.post("/tasks/{task_id}/copies", response_model=SheetView, dependencies=[for_acting("cases.act")])
def copy_to(app: App, caller: Caller, key: Key, task_id: str, body: Others) -> Response:
    """Let others read along (抄送)."""
    operations.copy_to(app, Door(caller, key, "api"), task_id, body.people, remark=body.remark)
    return answer(approvals.sheet(app, caller, task_id))


@router.post("/tasks/{task_id}/claim", response_model=SheetView, dependencies=[for_acting("cases.act")])
def claim(app: App, caller: Caller, key: Key, task_id: str) -> Response:
    """Take a task of a pool on (认领)."""
    operations.claim(app, Door(caller, key, "api"), task_id)
    return answer(approvals.sheet(app, caller, task_id))


@router.post("/tasks/{task_id}/release", response_model=SheetView, dependencies=[for_acting("cases.act")])
def release(app: App, caller: Caller, key: Key, task_id: str) -> Response:
    """Give a claimed task back to the pool."""
    operations.release(app, Door(caller, key, "api"), task_id)
    return answer(approvals.sheet(app, caller, task_id))


@router.post("/tasks/{task_id}/questions", response_model=SheetView, dependencies=[for_acting("cases.act")])
def ask(app: App, caller: Caller, key: Key, task_id: str, body: Question) -> Response:
    """Ask somebody about the case (沟通); the step's clock stands still until they answer."""
    operations.ask(app, Door(caller, key, "api"), task_id, body.person, text=body.text)
    return answer(approvals.sheet(app, caller, task_id))


@router.post(
    "/cases/{case_id}/questions/{question_id}/answer",
    response_model=list[AskedQuestion],
    dependencies=[for_acting("cases.act")],
)
def reply(*, app: App, caller: Caller, key: Key, case_id: str, question_id: str, body: Reply) -> Response:
    """Answer a question that was put to you."""
    recorded = operations.answer(app, Door(caller, key, "api"), case_id, question_id, text=body.text)
    return answer(recorded.case.questions)


@router.post("/hand-over", response_model=HandedOver, dependencies=[for_acting("tasks.hand_over")])
def hand_over(app: App, caller: Caller, key: Key, body: HandOver) -> Response:
    """Give the open tasks of somebody who leaves to another person (离职转办); for process administrators."""
    door = Door(caller, key, "api")
    handled = handing.hand_over(app, door, body.leaver, body.to, remark=body.remark)
    told = [HandedCase(one.task, one.case_id, one.number, one.refused) for one in handled]
    done = tuple(one for one in told if not one.refused)
    return answer(HandedOver(done, tuple(one for one in told if one.refused)))
