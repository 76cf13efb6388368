"""The approval sheet: what is asked, the facts, the decision, and what happens next."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.datastructures import FormData

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import problem_sentence, sentence
from api.formats import Formats
from api.pages.proposal import raw_of
from api.visit import Visit
from api.words import DECISIONS, NEEDS_REMARK
from engine.errors import CountersignError, Invalid, Problem, Refused
from engine.service import approvals
from engine.service.views import CaseView, SheetView

router = APIRouter(dependencies=[for_page("cases.read")])
FIELD = "form."


@dataclass(frozen=True, slots=True)
class Fact:
    """One of the facts at the top: a label, a figure, what qualifies it."""

    label: str
    value: str
    more: str = ""


@router.get("/tasks/{task_id}")
def show(
    app: App, visit: CurrentVisit, viewer: CurrentViewer, task_id: str, since: Annotated[int | None, Query(ge=0)] = None
) -> Response:
    """The sheet, or once decided who decided what and when. `since`: what changed after that entry, from a link."""
    return page(visit, approvals.sheet(app, viewer, task_id, mailed=since))


@router.post("/tasks/{task_id}")
def decide(app: App, visit: CurrentVisit, viewer: CurrentViewer, task_id: str, form: Posted) -> Response:
    """Decide. Who comes second sees who was first; a missing reason is asked for with the remark kept."""
    remark, seen = text(form, "remark"), text(form, "seen_seq")
    changes = changes_of(form)
    try:
        approvals.act(
            app,
            viewer,
            task_id,
            text(form, "decision"),
            remark=remark,
            seen_seq=int(seen) if seen.isdecimal() else None,
            key=form_key(form, viewer),
            form=changes if text(form, "decision") == "approve" else None,
        )
    except (Refused, Invalid) as error:
        return page(visit, approvals.sheet(app, viewer, task_id), error=error, remark=remark, changes=changes)
    return visit.go(f"/tasks/{task_id}")


def changes_of(form: FormData) -> dict[str, Any]:
    """The fields of the proposal as they stand in the sheet's form."""
    own = [(name.removeprefix(FIELD), one) for name, one in form.multi_items() if name.startswith(FIELD)]
    return raw_of(FormData(own))


def page(
    visit: Visit,
    sheet: SheetView,
    *,
    error: CountersignError | None = None,
    remark: str = "",
    changes: Mapping[str, Any] | None = None,
) -> Response:
    """The sheet as a page; `error` says why a decision did not count. What was typed, `changes` too, is kept."""

    def say_problem(problem: Problem) -> str:
        return problem_sentence(problem, visit.formats)

    typed = changes or {}
    problems = error.problems if isinstance(error, Invalid) else ()
    beside = [problem_sentence(problem, visit.formats) for problem in problems if problem.at == "remark"]
    return visit.page(
        "sheet.html",
        status=error.status if error else 200,
        sheet=sheet,
        facts=facts_of(sheet.case, visit.formats),
        bar=sorted(sheet.decisions, key=lambda each: (each not in NEEDS_REMARK, list(DECISIONS).index(each) * -1)),
        seen_seq=sheet.case.seq,
        remark=remark,
        remark_problem=beside[0] if beside else "",
        error=sentence(error, visit.formats) if error else "",
        writable=[replace(field, raw=typed.get(field.name, field.raw)) for field in sheet.writable],
        problems=problems,
        say_problem=say_problem,
    )


def facts_of(case: CaseView, formats: Formats) -> tuple[Fact, ...]:
    """Budget, customers, offer, window: the first field of each kind, as far as the proposal has one."""
    words, facts = formats.words, []
    by_kind = {field.kind: field for field in reversed(case.fields) if field.raw not in (None, "", [])}
    if "money" in by_kind:
        facts.append(Fact(formats.label(by_kind["money"].label), formats.field(by_kind["money"])))
    if case.audience:
        share = formats.share(case.audience.control, case.audience.target + case.audience.control)
        facts.append(
            Fact(
                words("Target customers"), formats.number(case.audience.target), words("control %(share)s", share=share)
            )
        )
    elif case.row.reach is not None:
        facts.append(Fact(words("Target customers"), formats.number(case.row.reach), words("planned")))
    for kind in ("ref", "decimal"):
        if kind in by_kind:
            facts.append(Fact(formats.label(by_kind[kind].label), formats.field(by_kind[kind])))
    if "daterange" in by_kind:
        window = by_kind["daterange"]
        first, last = window.raw[0], window.raw[-1]
        facts.append(
            Fact(
                formats.label(window.label),
                formats.short_day(first),
                words("until %(day)s", day=formats.short_day(last)),
            )
        )
    return tuple(facts[:4] if len(facts) < 5 else [*facts[:3], facts[-1]])
