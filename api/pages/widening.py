"""Ask for more while a delivery is paused: the page on which the submitter says how much more, until when, and why."""

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import problem_sentence, sentence
from api.pages.proposal import raw_of
from api.visit import Visit
from engine.errors import InvalidForm, Problem, Refused
from engine.service import widening
from engine.service.widening_views import WideningForm

router = APIRouter(dependencies=[for_page("cases.act")])


@router.get("/cases/{case_id}/more")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str) -> Response:
    """What may be asked for, filled with what would let everything go out."""
    return _page(visit, widening.form(app, viewer, case_id))


@router.post("/cases/{case_id}/more")
def send(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str, form: Posted) -> Response:
    """Ask. Problems come back beside the fields with everything typed."""
    reason, key = text(form, "reason"), form_key(form, viewer)
    raw = {name: value for name, value in raw_of(form).items() if name != "reason"}
    try:
        widening.ask(app, viewer, case_id, raw, reason, key=key)
    except InvalidForm as error:
        kept = widening.form(app, viewer, case_id, typed=raw, reason=reason, problems=tuple(error.problems))
        return _page(visit, kept, status=error.status)
    except Refused as error:
        kept = widening.form(app, viewer, case_id, typed=raw, reason=reason)
        return _page(visit, kept, error=sentence(error, visit.formats), status=error.status)
    return visit.go(f"/cases/{case_id}")


def _page(visit: Visit, form: WideningForm, *, error: str = "", status: int = 200) -> Response:
    def say_problem(problem: Problem) -> str:
        return problem_sentence(problem, visit.formats)

    named = {field.name for field in form.fields}
    others = [one for one in form.problems if one.at.partition(".")[0] not in named and one.at != "reason"]
    said = error or " ".join(map(say_problem, others))
    return visit.page(
        "more.html", status=status, more=form, problems=form.problems, say_problem=say_problem, error=said
    )
