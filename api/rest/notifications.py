"""The caller's own choice of how they are told."""

from dataclasses import replace

from fastapi import APIRouter, Response

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Key, Reader
from api.rest.answers import answer
from api.rest.described import Described
from engine.service import preferences
from engine.service.holding import Channel, Preferences
from engine.service.preferences import PreferencesView

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["notifications"])


@router.get("/notifications", response_model=PreferencesView, dependencies=[for_reading("cases.read")])
def show(app: App, caller: Reader) -> Response:
    """What the caller chose, and the channels that are open. Keys of bots are left out."""
    view = preferences.shown(app, caller)
    hidden = {name: one.model_copy(update={"secret": ""}) for name, one in view.wanted.addresses.items()}
    return answer(replace(view, wanted=view.wanted.model_copy(update={"addresses": hidden})))


@router.put("/notifications", response_model=PreferencesView, dependencies=[for_acting("cases.act")])
def save(app: App, caller: Caller, body: Preferences) -> Response:
    """Keep it; sent twice it counts once. An empty `secret` leaves the one that there is."""
    preferences.save(app, caller, body)
    return show(app, caller)


@router.post("/notifications/test/{channel}", status_code=204, dependencies=[for_acting("cases.act")])
def try_out(app: App, caller: Caller, key: Key, channel: Channel) -> None:
    """Send the caller a test by this channel."""
    preferences.try_out(app, caller, channel, key)
