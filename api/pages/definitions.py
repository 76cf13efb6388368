"""For authors of definitions: the list, one version with everything that can be asked of its text, publish and retire.

The same parts (text, diagram, a proposal tried, scenarios, guarantees, changes) are shown of a text under work, see
`drafts.py`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from starlette.datastructures import FormData, UploadFile

from api import diagnostics
from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import problem_sentence, sentence
from api.pages.proposal import raw_of
from api.visit import Visit
from engine.errors import Invalid, InvalidDefinition, Problem, Refused
from engine.service import drafting, instances, publishing, studying
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("definitions.read")])
Number = Annotated[int, Path(ge=1, lt=1_000_000_000)]
Tab = Literal["text", "diagram", "try", "scenarios", "guarantees", "changes"]
PREFIX = "form."
SVG = "image/svg+xml"


@router.get("/definitions")
def listed(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """Every definition with its versions, and the texts under work."""
    return visit.page("definitions.html", kinds=studying.listed(app, viewer), drafts=drafting.listed(app, viewer))


@router.get("/definitions/{name}/{number}")
def show(
    *,
    visit: CurrentVisit,
    viewer: CurrentViewer,
    request: Request,
    name: str,
    number: Number,
    tab: Tab = "text",
) -> Response:
    """One version, and one of the things that can be asked of it."""
    return _version(visit, viewer, request, name, number, tab=tab)


@router.get("/definitions/{name}/{number}/diagram.svg")
def diagram(
    *, app: App, visit: CurrentVisit, viewer: CurrentViewer, name: str, number: Number, cases: bool = False
) -> Response:
    """The picture of a version, in the reader's language; with the running cases at each step where asked for."""
    found = studying.version(app, viewer, name, number)
    notes = {}
    if cases:
        words, fmt = visit.words, visit.formats
        for one in instances.overview(app, viewer, name, number).resting:
            note = words.plural(
                "%(count)s case, oldest %(age)s",
                "%(count)s cases, oldest %(age)s",
                one.count,
                age=fmt.duration(one.oldest),
            )
            notes[one.step or one.state] = note
    return Response(studying.drawn(app, viewer, found.source, visit.language, notes)[1], media_type=SVG)


@router.post("/definitions/{name}/{number}/publish", dependencies=[for_page("definitions.write")])
def publish(
    *, visit: CurrentVisit, viewer: CurrentViewer, request: Request, name: str, number: Number, form: Posted
) -> Response:
    """Put another person's text into force, the one that was read."""
    form_key(form, viewer)
    seen = text(form, "fingerprint")
    return _act(
        visit,
        viewer,
        request,
        (name, number),
        lambda: publishing.publish(visit.app, viewer, name, number, fingerprint=seen),
    )


@router.post("/definitions/{name}/{number}/retire", dependencies=[for_page("definitions.write")])
def retire(
    *, visit: CurrentVisit, viewer: CurrentViewer, request: Request, name: str, number: Number, form: Posted
) -> Response:
    """Start no more cases with it."""
    form_key(form, viewer)
    why = text(form, "reason")
    return _act(
        visit, viewer, request, (name, number), lambda: publishing.retire(visit.app, viewer, name, number, because=why)
    )


def _act(visit: Visit, viewer: Viewer, request: Request, of: tuple[str, int], act: Callable[[], object]) -> Response:
    """Do it and show the version; a refusal stands on the same page, with its status."""
    name, number = of
    try:
        act()
    except (Refused, Invalid) as error:
        said = _reasons(visit, error) if isinstance(error, InvalidDefinition) else sentence(error, visit.formats)
        return _version(visit, viewer, request, name, number, error=said, status=error.status)
    return visit.go(f"/definitions/{name}/{number}")


def _reasons(visit: Visit, error: InvalidDefinition) -> str:
    return visit.words("; ").join(diagnostics.message(problem, visit.formats) for problem in error.problems)


def _version(
    visit: Visit,
    viewer: Viewer,
    request: Request,
    name: str,
    number: int,
    *,
    tab: Tab = "text",
    error: str = "",
    status: int = 200,
) -> Response:
    found = studying.version(visit.app, viewer, name, number)
    asked = request.query_params.get("since", "")
    since = int(asked) if asked.isdecimal() and len(asked) < 10 else found.before
    parts = study(visit, viewer, request, found.source, tab, compared=(name, since))
    return visit.page(
        "definition.html",
        status=status,
        of=found,
        base=f"/definitions/{name}/{number}",
        tab=tab,
        error=error,
        release=publishing.coming(visit.app, viewer, name, number) if found.state == "draft" else None,
        **parts,
    )


def study(
    visit: Visit, viewer: Viewer, request: Request, source: str, tab: str, *, compared: tuple[str, int]
) -> dict[str, Any]:
    """What the tab of a text shows; `wrong` are the errors that keep it from showing more than the text."""
    app = visit.app
    values: dict[str, Any] = {"wrong": (), "diagnosed": diagnostics, "since": compared[1], "shown": None}
    values |= {"say_problem": lambda problem: problem_sentence(problem, visit.formats), "problems": (), "checked": None}
    try:
        match tab:
            case "diagram":
                values["shown"] = studying.drawn(app, viewer, source, visit.language)[0]
            case "try":
                values |= _tried(visit, viewer, request, source)
            case "scenarios":
                values["shown"] = studying.played(app, viewer, source)
            case "guarantees":
                values["shown"] = studying.guaranteed(app, viewer, source)
            case "changes" if compared[1]:
                values["shown"] = studying.changes(app, viewer, source, *compared)
            case "text":
                values["checked"] = studying.checked(app, viewer, source, prove=False)
    except InvalidDefinition as error:
        values["wrong"] = error.problems
    return values


def _tried(visit: Visit, viewer: Viewer, request: Request, source: str) -> dict[str, Any]:
    """A proposal tried: the fields come as `form.NAME` in the address, so that a try can be shown to others."""
    query = request.query_params
    sent: list[tuple[str, str | UploadFile]] = [
        (name.removeprefix(PREFIX), value) for name, value in query.multi_items() if name.startswith(PREFIX)
    ]
    office, at, problems = query.get("office", "").strip()[:12], None, tuple[Problem, ...]()
    day = query.get("at", "").strip()
    if day:
        try:
            at = datetime.fromisoformat(f"{day}T09:00").replace(tzinfo=visit.app.settings.zone)
        except ValueError:
            problems = (Problem("form.not_date", "not a day", at="at", fields={"value": day[:40]}),)
    found = studying.tried(
        visit.app,
        viewer,
        source,
        raw_of(FormData(sent)),
        office=office,
        at=at,
        play="play" in query and not problems,
    )
    return {
        "shown": found,
        "problems": (*problems, *found.problems),
        "office": office,
        "day": day[:10],
        "played": "play" in query,
    }
