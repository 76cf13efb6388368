"""The operation and the audit for scripts: health, outbox, sends in doubt, timers, receipts, histories."""

import base64
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.declared import for_acting, for_reading
from api.deps import App
from api.rest.answers import answer
from api.rest.cases import body_of
from api.rest.organisation import Acting, Reading
from engine.service import auditing, checkpoints, watching
from engine.service.authorizing import Action

router = APIRouter(tags=["operation"])
WATCHES: Action = "operation.watch"
ACTS: Action = "operation.act"


class Body(BaseModel):
    """What every request body shares: unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


class Effect(Body):
    """An effect by its key; to give it up needs a reason."""

    key: str = Field(max_length=120)
    reason: str = Field("", max_length=200)


class Resolution(Body):
    """What became of a wave's recipients in doubt; `count` is how many the caller saw."""

    wave: str = Field(max_length=48)
    was_sent: bool
    count: int = Field(ge=0)
    reason: str = Field(max_length=200, examples=["the gateway's log shows all of them"])


class Timer(Body):
    """A late timer by its key."""

    key: str = Field(max_length=160)


@router.get("/operation/health", dependencies=[for_reading(WATCHES)])
def health(app: App, by: Reading) -> Response:
    """The state of all parts."""
    return answer(watching.health(app, by))


@router.get("/outbox", dependencies=[for_reading(WATCHES)])
def outbox(
    app: App,
    by: Reading,
    state: Literal["dead", "trying", "pending"] = "dead",
    after: Annotated[str, Query(max_length=120)] = "",
) -> Response:
    """50 effects that were given up, that fail, or that wait; `next` is the `after` of the next page."""
    return answer(watching.outbox(app, by, state, after))


@router.post("/outbox/retry", status_code=204, dependencies=[for_acting(ACTS)])
def retry(app: App, by: Acting, body: Effect) -> None:
    """Have an effect tried again at once. 404 where none waits or was given up."""
    watching.retry(app, by, body.key)


@router.post("/outbox/give-up", status_code=204, dependencies=[for_acting(ACTS)])
def give_up(app: App, by: Acting, body: Effect) -> None:
    """Try an effect no more, with a reason."""
    watching.give_up(app, by, body.key, body.reason)


@router.get("/sends-in-doubt", dependencies=[for_reading(WATCHES)])
def in_doubt(app: App, by: Reading) -> Response:
    """Waves with recipients of whom nobody knows whether the message went out."""
    return answer({"waves": watching.in_doubt(app, by)})


@router.post("/sends-in-doubt", dependencies=[for_acting(ACTS)])
def resolve(app: App, by: Acting, body: Resolution) -> dict[str, int]:
    """Say that they went out, or did not. 409 where there are not as many as `count` any more."""
    done = watching.resolve(app, by, body.wave, was_sent=body.was_sent, expected=body.count, reason=body.reason)
    return {"resolved": done}


@router.get("/timers", dependencies=[for_reading(WATCHES)])
def timers(app: App, by: Reading, late: bool = False) -> Response:
    """The first 50 timers, the earliest due first; all, or those that are late."""
    return answer(watching.timers(app, by, late=late))


@router.post("/timers/fire", status_code=204, dependencies=[for_acting(ACTS)])
def fire(app: App, by: Acting, body: Timer) -> None:
    """Fire a late timer once more, at once."""
    watching.fire(app, by, body.key)


@router.get("/parked-receipts", dependencies=[for_reading(WATCHES)])
def parked(app: App, by: Reading, before: Annotated[int, Query(ge=0, le=2**31)] = 0) -> Response:
    """Receipts that belong to nothing here, the newest first."""
    return answer(watching.parked(app, by, before))


@router.get("/audit", dependencies=[for_reading("audit.read")])
def listed(
    *,
    app: App,
    by: Reading,
    person: Annotated[str, Query(max_length=40)] = "",
    case: Annotated[str, Query(max_length=60)] = "",
    kind: Annotated[str, Query(max_length=32)] = "",
    first: Annotated[str, Query(max_length=10)] = "",
    last: Annotated[str, Query(max_length=10)] = "",
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """50 entries of all histories, the newest first; `next` is the `cursor` of the next page."""
    return answer(auditing.listed(app, by, auditing.Asked(person, case, kind, first, last), cursor))


@router.get("/audit/verification", dependencies=[for_reading("audit.read")])
def verify(app: App, by: Reading, after: Annotated[str, Query(max_length=24)] = "") -> Response:
    """Check the organisation's history and the next 2,000 cases; go on with `after` until `next` is empty."""
    return answer(auditing.verify(app, by, after))


@router.post("/audit/checkpoint", dependencies=[for_acting("audit.read")])
def checkpoint(app: App, by: Acting) -> Response:
    """A signed checkpoint to keep elsewhere, in base64."""
    made = checkpoints.export(app, by)
    return answer({"key": checkpoints.public_key(app.settings), "checkpoint": base64.b64encode(made).decode()})


@router.post("/audit/compare", dependencies=[for_acting("audit.read")])
def compare(app: App, by: Acting, body: Annotated[bytes, Depends(body_of)]) -> Response:
    """Hold a checkpoint, sent as the body, against the histories."""
    return answer(checkpoints.compare(app, by, body, "checkpoint"))
