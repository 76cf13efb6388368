"""The caller's webhooks. What they are sent, and how to check it, stands in docs/webhooks.md."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Key, Reader
from api.rest.answers import answer
from api.rest.described import Described
from engine.service import webhooks
from engine.service.announcing import EVENTS, Event
from engine.service.webhooks import Delivery, Made, WebhookView

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["webhooks"])
Number = Annotated[int, Path(ge=1, lt=2**31, examples=[1])]


class Wanted(BaseModel):
    """What a webhook is called, where it lies, what it hears of."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=80, examples=["campaign calendar"])
    url: str = Field(max_length=500, examples=["https://calendar.example.org/hooks/countersign"])
    events: list[Event] = Field(list(EVENTS), min_length=1, examples=[["case.decided", "case.closed"]])


@router.get("/webhooks", response_model=list[WebhookView], dependencies=[for_reading("webhooks.keep")])
def listed(app: App, caller: Reader) -> Response:
    """The caller's own, without their secrets."""
    return answer(webhooks.listed(app, caller))


@router.post("/webhooks", status_code=201, response_model=Made, dependencies=[for_acting("webhooks.keep")])
def add(app: App, caller: Caller, key: Key, body: Wanted) -> Response:
    """Make one. The answer has its secret, which is told this once."""
    return answer(webhooks.add(app, caller, name=body.name, url=body.url, events=body.events, key=key), 201)


@router.put("/webhooks/{number}", response_model=WebhookView, dependencies=[for_acting("webhooks.keep")])
def change(app: App, caller: Caller, number: Number, body: Wanted) -> Response:
    """Change it; the secret stays."""
    webhooks.change(app, caller, number, name=body.name, url=body.url, events=body.events)
    return answer(webhooks.shown(app, caller, number)[0])


@router.get("/webhooks/{number}/deliveries", response_model=list[Delivery], dependencies=[for_reading("webhooks.keep")])
def deliveries(app: App, caller: Reader, number: Number) -> Response:
    """What was sent to it last, the newest first."""
    return answer(webhooks.shown(app, caller, number)[1])


@router.post("/webhooks/{number}/test", status_code=204, dependencies=[for_acting("webhooks.keep")])
def try_out(app: App, caller: Caller, key: Key, number: Number) -> None:
    """Send it a `ping`."""
    webhooks.try_out(app, caller, number, key)


@router.post("/webhooks/{number}/secret", response_model=Made, dependencies=[for_acting("webhooks.keep")])
def renew(app: App, caller: Caller, key: Key, number: Number) -> Response:
    """Give it a new secret; for a day the old one signs too."""
    return answer(webhooks.renew(app, caller, number, key=key))


@router.post("/webhooks/{number}/on", response_model=WebhookView, dependencies=[for_acting("webhooks.keep")])
def switch_on(app: App, caller: Caller, number: Number) -> Response:
    """Switch it on, also one that was disabled."""
    webhooks.switch(app, caller, number, on=True)
    return answer(webhooks.shown(app, caller, number)[0])


@router.post("/webhooks/{number}/off", response_model=WebhookView, dependencies=[for_acting("webhooks.keep")])
def switch_off(app: App, caller: Caller, number: Number) -> Response:
    """Switch it off; what waits for it is not sent."""
    webhooks.switch(app, caller, number, on=False)
    return answer(webhooks.shown(app, caller, number)[0])


@router.delete("/webhooks/{number}", status_code=204, dependencies=[for_acting("webhooks.keep")])
def remove(app: App, caller: Caller, number: Number) -> None:
    """Take it away."""
    webhooks.remove(app, caller, number)
