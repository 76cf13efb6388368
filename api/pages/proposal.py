"""Start a case; fill in, save and submit its proposal."""

import re
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Response
from starlette.datastructures import FormData

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import problem_sentence, sentence
from api.visit import Visit
from engine.errors import CountersignError, ExpressionFailed, InvalidForm, Problem, Refused
from engine.service import proposals
from engine.service.views import FormView

router = APIRouter(dependencies=[for_page("cases.act")])
OURS = ("csrf", "key", "action")
LISTED = re.compile(r"(?P<name>\w+)\[(?P<part>from|to|)\]")


@router.get("/cases/new")
def kinds(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """The kinds of case that the viewer may start."""
    return visit.page("start.html", kinds=proposals.startable(app, viewer))


@router.post("/cases", dependencies=[for_page("cases.start")])
def start(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Open a draft and go to its form."""
    case_id = proposals.start(app, viewer, text(form, "definition"), key=form_key(form, viewer))
    return visit.go(f"/cases/{case_id}/edit")


@router.get("/cases/{case_id}/edit")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str) -> Response:
    """The form as saved."""
    return page(visit, proposals.form(app, viewer, case_id))


@router.post("/cases/{case_id}/edit")
def send(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Save (also by itself while typing) or submit. Problems come back beside the fields with everything typed."""
    raw, key = raw_of(form), form_key(form, viewer)
    try:
        if text(form, "action") != "submit":
            return page(visit, proposals.save(app, viewer, case_id, raw, key=key), raw=raw)
        proposals.submit(app, viewer, case_id, raw, key=key)
    except InvalidForm as error:
        kept = replace(proposals.form(app, viewer, case_id), problems=tuple(error.problems))
        return page(visit, kept, raw=raw, status=error.status)
    except (Refused, ExpressionFailed) as error:
        return page(visit, proposals.form(app, viewer, case_id), raw=raw, error=error, status=error.status)
    return visit.go(f"/cases/{case_id}")


def raw_of(form: FormData) -> dict[str, Any]:
    """The form's fields as they were typed: `name[]` collects a list, `name[from]` and `name[to]` a range."""
    raw: dict[str, Any] = {}
    for name, sent in form.multi_items():
        if name in OURS or not isinstance(sent, str):
            continue
        value = sent.strip()
        listed = LISTED.fullmatch(name)
        if listed is None:
            raw[name] = value
        elif listed["part"]:
            raw.setdefault(listed["name"], ["", ""])[0 if listed["part"] == "from" else 1] = value
        else:
            raw.setdefault(listed["name"], []).extend([value] if value else [])
    return {name: [] if value == ["", ""] else value for name, value in raw.items()}


def page(
    visit: Visit,
    form: FormView,
    *,
    raw: dict[str, Any] | None = None,
    error: CountersignError | None = None,
    status: int = 200,
) -> Response:
    """The form as a page; what was typed (`raw`) stands in the fields even where it could not be saved."""

    def say_problem(problem: Problem) -> str:
        return problem_sentence(problem, visit.formats)

    typed = raw or {}
    fields = tuple(replace(field, raw=typed.get(field.name, field.raw)) for field in form.fields)
    return visit.page(
        "proposal.html",
        status=status,
        form=replace(form, fields=fields),
        problems=form.problems,
        say_problem=say_problem,
        error=sentence(error, visit.formats) if error else "",
    )
