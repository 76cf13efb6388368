"""The channels of everybody, for administrators."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Reader
from api.rest.answers import answer
from api.rest.described import Described
from engine.service import channels
from engine.service.channels import ChannelChoice, ChannelView, GivenUp
from engine.service.holding import Channel

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["channels"])


@router.get("/channels", response_model=list[ChannelView], dependencies=[for_reading("channels.manage")])
def overview(app: App, caller: Reader) -> Response:
    """Every channel, with what waits, what was given up, and whether it answers."""
    return answer(channels.overview(app, caller))


@router.put("/channels/{name}", response_model=list[ChannelView], dependencies=[for_acting("channels.manage")])
def set_channel(
    app: App, caller: Caller, name: Annotated[Channel, Path(examples=["email"])], body: ChannelChoice
) -> Response:
    """Open or close it, and say who has it without choosing; sent twice it counts once."""
    channels.set_channel(app, caller, name, body)
    return overview(app, caller)


@router.get("/messages/given-up", response_model=list[GivenUp], dependencies=[for_reading("channels.manage")])
def given_up(app: App, caller: Reader) -> Response:
    """The newest messages that were given up; `error` says why."""
    return answer(channels.given_up(app, caller))


@router.post("/messages/{number}/again", dependencies=[for_acting("channels.manage")])
def again(app: App, caller: Caller, number: Annotated[int, Path(ge=1, lt=2**31, examples=[1])]) -> dict[str, bool]:
    """Try one once more; false where it was not given up, or is tried again already."""
    return {"again": channels.send_again(app, caller, number)}
