"""How the viewer is told: by which channels, when not, at once or in a digest."""

from typing import Any

from fastapi import APIRouter, Response
from starlette.datastructures import FormData

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import problem_sentence
from api.visit import Visit
from engine.errors import InvalidForm, Problem
from engine.service import preferences
from engine.service.holding import CHANNELS, GROUPS, Preferences
from engine.service.preferences import PreferencesView

router = APIRouter(dependencies=[for_page("account.keep")])


@router.get("/notifications")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, done: str = "") -> Response:
    """What the viewer chose; `done` says what they have just done."""
    return page(visit, preferences.shown(app, viewer), done=done)


@router.post("/notifications")
def save(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Keep it. Problems come back beside the fields, with everything typed."""
    before = preferences.shown(app, viewer)
    given = entered(form, before)
    try:
        preferences.save(app, viewer, preferences.read(given))
    except InvalidForm as error:
        typed = preferences.entered(app, viewer, readable(given, before.wanted))
        return page(visit, typed, problems=error.problems, status=error.status)
    return visit.go("/notifications?done=saved")


@router.post("/notifications/test")
def try_out(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Send the viewer a test by one of their channels."""
    channel = next((name for name in CHANNELS if name == text(form, "channel")), CHANNELS[0])
    try:
        preferences.try_out(app, viewer, channel, form_key(form, viewer))
    except InvalidForm as error:
        return page(visit, preferences.shown(app, viewer), problems=error.problems, status=error.status)
    return visit.go("/notifications?done=tried")


def entered(form: FormData, before: PreferencesView) -> dict[str, Any]:
    """The form as plain values; what it does not show, as a channel that is closed, stays as it was."""
    shown = [one.name for one in before.channels]
    hidden = {name: one.model_dump() for name, one in before.wanted.addresses.items() if name not in shown}
    ticked = {name: {str(group) for group in form.getlist(f"groups-{name}")} for name in shown}
    return {
        "channels": {
            group: [
                name
                for name in CHANNELS
                if (group in ticked[name] if name in shown else name in before.wanted.channels.get(group, ()))
            ]
            for group in GROUPS
        },
        "addresses": hidden
        | {
            name: {"to": text(form, f"{name}-to"), "secret": text(form, f"{name}-secret")}
            for name in shown
            if name != "email"
        },
        **{name: text(form, name) for name in ("quiet_from", "quiet_to", "pace", "at", "weekday")},
    }


def readable(given: dict[str, Any], before: Preferences) -> Preferences:
    """As much of what was typed as can stand in the form again."""
    kept = before.model_dump()
    for name, value in given.items():
        try:
            preferences.read(kept | {name: value})
        except InvalidForm:
            continue
        kept[name] = value
    return preferences.read(kept)


def page(
    visit: Visit,
    view: PreferencesView,
    *,
    problems: tuple[Problem, ...] = (),
    done: str = "",
    status: int = 200,
) -> Response:
    """The page, with what is wrong beside the fields."""

    def say_problem(problem: Problem) -> str:
        return problem_sentence(problem, visit.formats)

    return visit.page(
        "notifications.html", status=status, view=view, problems=problems, done=done, say_problem=say_problem
    )
