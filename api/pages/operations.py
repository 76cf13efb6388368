"""What an approver does with a task besides deciding, a page each: pass it on, bring others in, ask, copy, claim.

People are found by a search that comes back with the page, so that it works without JavaScript; whatever was typed or
ticked is kept. Refuses to list an operation here that the machine does not know.
"""

from dataclasses import dataclass
from typing import Literal, cast

from fastapi import APIRouter, Response
from starlette.datastructures import FormData

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import problem_sentence, sentence
from api.operations import KINDS, Kind
from api.pages.sheet import page as sheet_page
from api.visit import Visit
from engine.errors import CountersignError, Invalid, NotFound, Problem, Refused
from engine.service import approvals, choosing, interventions, operations
from engine.service.app import Countersign
from engine.service.operations import Door
from engine.service.sheet_views import Choosing
from engine.service.views import SheetView

Place = Literal["before", "after", "beside"]
router = APIRouter(dependencies=[for_page("cases.act")])


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form of an operation."""

    query: str = ""
    chosen: tuple[str, ...] = ()
    words: str = ""
    place: str = "beside"
    seat: str = ""


@router.get("/tasks/{task_id}/{slug}")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, task_id: str, slug: str) -> Response:
    """The page of an operation; on to the sheet where it is not possible now."""
    kind = KINDS.get(slug)
    sheet = approvals.sheet(app, viewer, task_id)
    if kind is None:
        raise NotFound()
    if kind.operation not in sheet.operations:
        return visit.go(f"/tasks/{task_id}")
    return _page(visit, sheet, slug, Typed())


@router.post("/tasks/{task_id}/questions/{question}")
def answer(
    *, app: App, visit: CurrentVisit, viewer: CurrentViewer, task_id: str, question: str, form: Posted
) -> Response:
    """Answer a question that was put to the viewer; an answer that is refused is kept."""
    said, sheet = text(form, "text"), approvals.sheet(app, viewer, task_id)
    try:
        operations.answer(app, Door(viewer, form_key(form, viewer)), sheet.case.row.id, question, text=said)
    except (Refused, Invalid) as error:
        return sheet_page(visit, sheet, error=error, answers={question: said})
    return visit.go(f"/tasks/{task_id}")


@router.post("/tasks/{task_id}/{slug}")
def act(*, app: App, visit: CurrentVisit, viewer: CurrentViewer, task_id: str, slug: str, form: Posted) -> Response:
    """Carry it out and go to the sheet; or only look for people, where that was asked."""
    kind = KINDS.get(slug)
    if kind is None:
        raise NotFound()
    typed = _typed(form)
    if text(form, "find"):
        return _page(visit, approvals.sheet(app, viewer, task_id), slug, typed)
    try:
        _carry_out(app, Door(viewer, form_key(form, viewer)), task_id, kind, typed)
    except (Refused, Invalid) as error:
        sheet = approvals.sheet(app, viewer, task_id)
        if kind.operation not in sheet.operations:
            return sheet_page(visit, sheet, error=error, remark=typed.words)
        return _page(visit, sheet, slug, typed, error)
    return visit.go(f"/tasks/{task_id}")


def _typed(form: FormData) -> Typed:
    chosen = tuple(dict.fromkeys(str(one) for one in form.getlist("person") if isinstance(one, str) and one))
    place = text(form, "place") or "beside"
    return Typed(text(form, "q")[:60], chosen[:50], text(form, "words"), place, text(form, "seat"))


def _carry_out(app: Countersign, door: Door, task: str, kind: Kind, typed: Typed) -> None:
    person, people, words = next(iter(typed.chosen), ""), typed.chosen, typed.words
    if kind.people != "none" and not people:
        raise Invalid([Problem("people", "name each person once", "at least one", at="people")])
    match kind.operation:
        case "ask":
            operations.ask(app, door, task, person, text=words)
        case "transfer":
            operations.transfer(app, door, task, person, remark=words)
        case "delegate":
            operations.delegate(app, door, task, person, remark=words)
        case "add_signer":
            operations.add_signers(app, door, task, people, cast("Place", typed.place), remark=words)
        case "remove_signer":
            operations.remove_signer(app, door, task, typed.seat, remark=words)
        case "append":
            operations.append(app, door, task, people, remark=words)
        case "copy":
            operations.copy_to(app, door, task, people, remark=words)
        case "claim":
            operations.claim(app, door, task)
        case "release":
            operations.release(app, door, task)
        case "take_back":
            case_id = approvals.sheet(app, door.viewer, task).case.row.id
            interventions.intervene(app, door.viewer, case_id, "take_back", reason=words, key=door.key)


def _page(visit: Visit, sheet: SheetView, slug: str, typed: Typed, error: CountersignError | None = None) -> Response:
    kind, viewer = KINDS[slug], visit.viewer
    assert viewer is not None
    found = Choosing((), ())
    if kind.people != "none":
        found = choosing.choosing(
            visit.app, viewer, sheet.task.id, kind.operation, query=typed.query, chosen=typed.chosen
        )
    problems = error.problems if isinstance(error, Invalid) else ()
    beside = {problem.at: problem_sentence(problem, visit.formats) for problem in problems}
    return visit.page(
        "operation.html",
        status=error.status if error else 200,
        sheet=sheet,
        slug=slug,
        kind=kind,
        typed=typed,
        found=found,
        wrong_people=beside.get("people", "") or beside.get("person", ""),
        wrong_words=beside.get("remark", "") or beside.get("text", ""),
        error=sentence(error, visit.formats) if error else "",
    )
