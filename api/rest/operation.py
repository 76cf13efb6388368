"""The operation and the audit for scripts: health, outbox, sends in doubt, timers, receipts, histories."""

import base64
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.declared import for_acting, for_reading
from api.deps import App
from api.rest.answers import answer
from api.rest.cases import body_of
from api.rest.described import Described
from api.rest.organisation import Acting, Reading
from api.rest.paging import Cursor, Limit, Page, paged, placed, position
from engine.service import auditing, checkpoints, complaining, parking, restoring, watching
from engine.service.auditing import AuditPage, BrokenChain, Verified
from engine.service.authorizing import Action
from engine.service.complaining import Imported
from engine.service.parking import ParkedRow
from engine.service.watching import Answer, Doubt, Health, OutboxPage, TimersPage

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["operation"])
WATCHES: Action = "operation.watch"
ACTS: Action = "operation.act"


class Body(BaseModel):
    """What every request body shares: unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


class Effect(Body):
    """An effect by its key; to give it up needs a reason."""

    key: str = Field(max_length=120, examples=["c1:4:0"])
    reason: str = Field("", max_length=200, examples=["the person has left"])


class Reason(Body):
    """Why."""

    reason: str = Field(min_length=1, max_length=200, examples=["the gateway's log was compared"])


class Resolution(Body):
    """What became of a wave's recipients in doubt, or is to become of what did not go out: it is sent `again`, or
    `given_up`. `count` is how many the caller saw. `twice`: that some get it twice is accepted, where the gateway
    forgets message ids."""

    wave: str = Field(max_length=48, examples=["c1-first"])
    answer: Answer = Field(examples=["sent"])
    count: int = Field(ge=0, lt=2**31, examples=[12])
    reason: str = Field(max_length=200, examples=["the gateway's log shows all of them"])
    twice: bool = Field(False, examples=[False])


class Assignment(Body):
    """A parked thing by its number, and the message that it is about; none: what it names itself is tried again."""

    id: int = Field(ge=1, lt=2**31, examples=[12])
    message: str = Field("", max_length=60, examples=["c1-w1.412"])


class Dismissal(Body):
    """A parked thing by its number, and why nothing is to be done."""

    id: int = Field(ge=1, lt=2**31, examples=[12])
    reason: str = Field(max_length=200, examples=["a test of the gateway's"])


class Timer(Body):
    """A late timer by its key."""

    key: str = Field(max_length=160, examples=["c1:deadline:4"])


@dataclass(frozen=True, slots=True)
class InDoubt:
    """Waves with recipients in doubt."""

    waves: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True)
class Parked(Page):
    """What came back and belongs to nothing here, with how many there are in all."""

    rows: tuple[ParkedRow, ...]
    count: int
    next: str


@dataclass(frozen=True, slots=True)
class Exported:
    """A signed checkpoint in base64, and the public key that it is checked by."""

    key: str
    checkpoint: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A checkpoint held against the histories: of how many cases, since when, and what does not fit."""

    at: datetime
    cases: int
    broken: tuple[BrokenChain, ...]


@router.get("/operation/health", response_model=Health, dependencies=[for_reading(WATCHES)])
def health(app: App, by: Reading) -> Response:
    """The state of all parts."""
    return answer(watching.health(app, by))


@router.post("/operation/release", dependencies=[for_acting(ACTS)])
def release(app: App, by: Acting, body: Reason) -> dict[str, int]:
    """Let a database that was restored send again: what is due goes at once. 409 where nothing is held."""
    return {"epoch": restoring.release(app, by, body.reason)}


@router.get("/outbox", response_model=OutboxPage, dependencies=[for_reading(WATCHES)])
def outbox(
    *,
    app: App,
    by: Reading,
    request: Request,
    state: Literal["dead", "trying", "pending"] = "dead",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Response:
    """Effects that were given up, that fail, or that wait, by key."""
    behind = position(cursor, str)
    page = watching.outbox(app, by, state, behind[0] if behind else "", limit=limit)
    return paged(request, replace(page, next=placed((page.next,) if page.next else None)))


@router.post("/outbox/retry", status_code=204, dependencies=[for_acting(ACTS)])
def retry(app: App, by: Acting, body: Effect) -> None:
    """Have an effect tried again at once. 404 where none waits or was given up."""
    watching.retry(app, by, body.key)


@router.post("/outbox/give-up", status_code=204, dependencies=[for_acting(ACTS)])
def give_up(app: App, by: Acting, body: Effect) -> None:
    """Try an effect no more, with a reason."""
    watching.give_up(app, by, body.key, body.reason)


@router.get("/sends-in-doubt", response_model=InDoubt, dependencies=[for_reading(WATCHES)])
def in_doubt(app: App, by: Reading, wave: Annotated[str, Query(max_length=48)] = "") -> Response:
    """Waves with recipients of whom nobody knows whether the message went out. `reasons` is null for a large wave:
    all its rows are read for it where it is named as `wave`."""
    return answer(InDoubt(watching.in_doubt(app, by, wave)))


@router.post("/sends-in-doubt", dependencies=[for_acting(ACTS)])
def resolve(app: App, by: Acting, body: Resolution) -> dict[str, int]:
    """Say that they went out, or did not. 409 where there are not as many as `count` any more, or where nothing can be
    sent again: `can_repeat` says so; and where customers may get it twice (`may_come_twice`) and nobody accepts it."""
    said, twice = body.reason, body.twice
    done = watching.resolve(app, by, body.wave, body.answer, expected=body.count, reason=said, twice=twice)
    return {"resolved": done}


@router.get("/timers", response_model=TimersPage, dependencies=[for_reading(WATCHES)])
def timers(app: App, by: Reading, late: bool = False) -> Response:
    """The first 50 timers, the earliest due first; all, or those that are late."""
    return answer(watching.timers(app, by, late=late))


@router.post("/timers/fire", status_code=204, dependencies=[for_acting(ACTS)])
def fire(app: App, by: Acting, body: Timer) -> None:
    """Fire a late timer once more, at once."""
    watching.fire(app, by, body.key)


@router.get("/parked-receipts", response_model=Parked, dependencies=[for_reading(WATCHES)])
def parked(
    *,
    app: App,
    by: Reading,
    request: Request,
    kind: Literal["", "receipt", "reply", "order", "complaint"] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Response:
    """Receipts, replies, orders and complaints that belong to nothing here, the newest first."""
    behind = position(cursor, int)
    page = parking.listed(app, by, behind[0] if behind else 0, kind=kind, limit=limit)
    return paged(request, Parked(page.rows, page.count, placed((page.next,) if page.next else None)))


@router.post("/parked-receipts/assign", dependencies=[for_acting(ACTS)])
def assign(app: App, by: Acting, body: Assignment) -> dict[str, bool]:
    """Try one again, as one about `message` where that is named. `found` is false where it still belongs to nothing."""
    return {"found": parking.assign(app, by, body.id, body.message)}


@router.post("/parked-receipts/put-aside", status_code=204, dependencies=[for_acting(ACTS)])
def put_aside(app: App, by: Acting, body: Dismissal) -> None:
    """Nothing is to be done about one, with a reason; it is kept."""
    parking.put_aside(app, by, body.id, body.reason)


@router.post("/complaints", response_model=Imported, dependencies=[for_acting("suppressions.manage")])
def load_complaints(app: App, by: Acting, body: Annotated[bytes, Depends(body_of)]) -> Response:
    """Take complaints in from a CSV or XLSX file (id,at and some of from,message,customer,case), sent as the body."""
    return answer(complaining.load(app, by, body, "complaints"))


@router.get("/audit", response_model=AuditPage, dependencies=[for_reading("audit.read")])
def listed(
    *,
    app: App,
    by: Reading,
    request: Request,
    person: Annotated[str, Query(max_length=40)] = "",
    case: Annotated[str, Query(max_length=60)] = "",
    kind: Annotated[str, Query(max_length=32)] = "",
    first: Annotated[str, Query(max_length=10)] = "",
    last: Annotated[str, Query(max_length=10)] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Response:
    """The entries of all histories, the newest first."""
    asked = auditing.Asked(person, case, kind, first, last)
    return paged(request, auditing.listed(app, by, asked, cursor, limit=limit))


@router.get("/audit/verification", response_model=Verified, dependencies=[for_reading("audit.read")])
def verify(app: App, by: Reading, after: Annotated[str, Query(max_length=24)] = "") -> Response:
    """Check the organisation's history and the next 2,000 cases; go on with `after` until `next` is empty."""
    return answer(auditing.verify(app, by, after))


@router.post("/audit/checkpoint", response_model=Exported, dependencies=[for_acting("audit.read")])
def checkpoint(app: App, by: Acting) -> Response:
    """A signed checkpoint to keep elsewhere, in base64."""
    made = checkpoints.export(app, by)
    return answer(Exported(checkpoints.public_key(app.settings), base64.b64encode(made).decode()))


@router.post("/audit/compare", response_model=Comparison, dependencies=[for_acting("audit.read")])
def compare(app: App, by: Acting, body: Annotated[bytes, Depends(body_of)]) -> Response:
    """Hold a checkpoint, sent as the body, against the histories."""
    found = checkpoints.compare(app, by, body, "checkpoint")
    return answer(Comparison(found.at, found.cases, found.broken))
