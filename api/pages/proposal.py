"""Start a case; fill in, save and submit its proposal."""

import re
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.datastructures import FormData

from api.carried import ORDER, carried, in_order
from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import problem_sentence, sentence
from api.uploads import chunks_of, files_in
from api.visit import Visit
from engine.errors import CountersignError, ExpressionFailed, InvalidForm, Problem, Refused
from engine.service import attaching, copying, estimating, previewing, proposals, starting
from engine.service.app import Countersign
from engine.service.estimating import Estimate
from engine.service.views import FormView, Viewer

router = APIRouter(dependencies=[for_page("cases.act")])
OURS = ("csrf", "key", "action", "seen", "counted")
LISTED = re.compile(r"(?P<name>\w+)\[(?P<part>from|to|pick|)\]")
CELL = re.compile(r"(?P<name>\w+)\[(?P<row>\d{1,3})\]\[(?P<column>\w+)\]")
BLANK = 2
MORE = 8


@router.get("/cases/new")
def kinds(app: App, visit: CurrentVisit, viewer: CurrentViewer, q: str = "") -> Response:
    """The kinds of case that the viewer may start, their drafts, and earlier cases to copy."""
    return visit.page("start.html", picker=starting.picker(app, viewer, q[:100]), query=q[:100])


@router.post("/cases", dependencies=[for_page("cases.start")])
def start(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Open a draft and go to its form."""
    case_id = proposals.start(app, viewer, text(form, "definition"), key=form_key(form, viewer))
    return visit.go(f"/cases/{case_id}/edit")


@router.post("/cases/copy", dependencies=[for_page("cases.start")])
def copy(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Open a draft with what fits of an earlier case, and go to its form."""
    source = text(form, "case")
    from_library = text(form, "library") == "1"
    case_id = copying.copy(app, viewer, source, key=form_key(form, viewer), from_library=from_library)
    return visit.go(f"/cases/{case_id}/edit?from={source}")


@router.get("/cases/{case_id}/edit")
def show(
    app: App,
    visit: CurrentVisit,
    viewer: CurrentViewer,
    case_id: str,
    source: Annotated[str, Query(alias="from", max_length=24)] = "",
) -> Response:
    """The form as saved."""
    return page(visit, proposals.form(app, viewer, case_id, copied_from=source))


@router.post("/cases/{case_id}/edit")
def send(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Save (also by itself while typing), count the customers, show a count in another order, or submit. Problems come
    back beside the fields with everything typed; files that are no good are named there too, the others are kept."""
    raw, wrong = with_files(app, viewer, case_id, form)
    action, key, seen = text(form, "action"), form_key(form, viewer), text(form, "seen")
    try:
        if action == "submit" and not wrong:
            proposals.submit(app, viewer, case_id, raw, key=key, seen=seen)
            return visit.go(f"/cases/{case_id}")
        saved = proposals.save(app, viewer, case_id, raw, key=key, seen=seen)
        counted = None
        if action == "count" or action.startswith(ORDER):
            counted = in_order(text(form, "counted"), action) or estimating.estimate(app, viewer, case_id)
            saved = replace(saved, message=previewing.on_form(app, viewer, case_id))
        return page(visit, saved, problems=(*wrong, *saved.problems), counted=counted, more=action == "rows")
    except InvalidForm as error:
        kept = proposals.form(app, viewer, case_id, typed=raw, problems=tuple(error.problems))
        return page(visit, kept, status=error.status)
    except (Refused, ExpressionFailed) as error:
        return page(visit, proposals.form(app, viewer, case_id, typed=raw), error=error, status=error.status)


def with_files(
    app: Countersign, viewer: Viewer, case_id: str, form: FormData
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The form as it was typed, with the files that were chosen; and what is wrong with those that were not taken."""
    raw, wrong = raw_of(form), list[Problem]()
    for field, file in files_in(form):
        name = field.partition("[")[0]
        try:
            added = attaching.add(
                app, viewer, case_id, field=name, name=file.filename or "", chunks=chunks_of(file.file)
            )
            raw.setdefault(name, []).append(added["id"])
        except InvalidForm as error:
            wrong += error.problems
    return raw, tuple(wrong)


def raw_of(form: FormData) -> dict[str, Any]:
    """The form's fields as they were typed: `name[]` collects a list, `name[from]` and `name[to]` a range, `name[pick]`
    stands for what was typed, `name[0][column]` is a cell of a table."""
    raw: dict[str, Any] = {}
    tables: dict[str, dict[int, dict[str, str]]] = {}
    for name, sent in form.multi_items():
        if name in OURS or not isinstance(sent, str):
            continue
        value = sent.strip()
        listed, cell = LISTED.fullmatch(name), CELL.fullmatch(name)
        if cell is not None:
            tables.setdefault(cell["name"], {}).setdefault(int(cell["row"]), {})[cell["column"]] = value
        elif listed is None:
            raw.setdefault(name, value)
        elif listed["part"] == "pick":
            raw[listed["name"]] = value
        elif listed["part"]:
            raw.setdefault(listed["name"], ["", ""])[0 if listed["part"] == "from" else 1] = value
        else:
            raw.setdefault(listed["name"], []).extend([value] if value else [])
    for name, rows in tables.items():
        raw[name] = [row for _, row in sorted(rows.items()) if any(row.values())]
    return {name: [] if value == ["", ""] else value for name, value in raw.items()}


def page(
    visit: Visit,
    form: FormView,
    *,
    problems: tuple[Problem, ...] | None = None,
    error: CountersignError | None = None,
    counted: Estimate | None = None,
    more: bool = False,
    status: int = 200,
) -> Response:
    """The form as a page."""

    def say_problem(problem: Problem) -> str:
        return problem_sentence(problem, visit.formats)

    return visit.page(
        "proposal.html",
        status=status,
        form=form,
        problems=form.problems if problems is None else problems,
        say_problem=say_problem,
        error=sentence(error, visit.formats) if error else "",
        clashes_typed=error is not None,
        counted=counted,
        carried=carried(counted) if counted else "",
        blank=MORE if more else BLANK,
    )
