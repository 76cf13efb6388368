"""The channels of everybody: open or closed, who has them without choosing, what waits and what was given up."""

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.errors import problem_sentence
from api.visit import Visit
from engine.errors import InvalidForm, Problem
from engine.service import channels
from engine.service.channels import ChannelChoice
from engine.service.holding import CHANNELS, GROUPS
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("channels.manage")])


@router.get("/channels")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, done: str = "") -> Response:
    """Every channel, and the messages that were given up."""
    return page(visit, viewer, done=done)


@router.post("/channels")
def save(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Set one channel."""
    name = next((name for name in CHANNELS if name == text(form, "channel")), CHANNELS[0])
    choice = ChannelChoice(
        is_open=text(form, "open") == "yes",
        server=text(form, "server")[:200].rstrip("/"),
        groups=tuple(group for group in GROUPS if group in form.getlist("groups")),
    )
    try:
        channels.set_channel(app, viewer, name, choice)
    except InvalidForm as error:
        return page(visit, viewer, problems=error.problems, typed={name: choice}, status=error.status)
    return visit.go("/channels?done=saved")


@router.post("/channels/messages/{number}/again")
def again(app: App, visit: CurrentVisit, viewer: CurrentViewer, number: int, form: Posted) -> Response:
    """Try a message once more that was given up."""
    channels.send_again(app, viewer, number)
    return visit.go("/channels?done=again")


def page(
    visit: Visit,
    viewer: Viewer,
    *,
    problems: tuple[Problem, ...] = (),
    typed: dict[str, ChannelChoice] | None = None,
    done: str = "",
    status: int = 200,
) -> Response:
    """The page, with what was typed where it could not be kept."""
    return visit.page(
        "channels.html",
        status=status,
        channels=channels.overview(visit.app, viewer),
        given_up=channels.given_up(visit.app, viewer),
        labels=channels.LABELS,
        typed=typed or {},
        problems={one.at: problem_sentence(one, visit.formats) for one in problems},
        done=done,
    )
