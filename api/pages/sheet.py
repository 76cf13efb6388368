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
from api.i18n import N_
from api.operations import KINDS
from api.pages.proposal import raw_of
from api.visit import Visit
from api.words import DECISIONS, NEEDS_REMARK, PHRASES
from engine.errors import CountersignError, Invalid, NotPossible, Problem, Refused
from engine.service import approvals, phrases
from engine.service.views import CaseView, SheetView

router = APIRouter(dependencies=[for_page("cases.read")])
FIELD = "form."
NOT_COUNTED = N_("What you sent did not count, and nothing was changed by it.")


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
    remark, seen, to = text(form, "remark"), text(form, "seen_seq"), text(form, "to")
    opened = int(seen) if seen.isdecimal() and len(seen) < 10 else None
    changes, phrase = changes_of(form), text(form, "phrase")
    if phrase:  # only to write it down: nothing is decided yet
        sheet = approvals.sheet(app, viewer, task_id, opened=opened)
        return page(visit, sheet, remark=" ".join(filter(None, (remark, phrase))), changes=changes, to=to)
    try:
        approvals.act(
            app,
            viewer,
            task_id,
            text(form, "decision"),
            remark=remark,
            seen_seq=opened,
            key=form_key(form, viewer),
            to=to or "submitter",
            form=changes if text(form, "decision") == "approve" else None,
        )
    except (Refused, Invalid) as error:
        sheet = approvals.sheet(app, viewer, task_id, opened=opened)
        return page(visit, sheet, error=error, remark=remark, changes=changes, to=to)
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
    to: str = "",
    answers: Mapping[str, str] | None = None,
) -> Response:
    """The sheet as a page; `error` says why a decision did not count. What was typed is kept: the remark, `changes` of
    the proposal, where it would be returned `to`, `answers` by question."""

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
        error=_said(error, sheet, visit),
        writable=[replace(field, raw=typed.get(field.name, field.raw)) for field in sheet.writable],
        problems=problems,
        say_problem=say_problem,
        phrases=_phrases(visit) if sheet.may_decide else (),
        to=to if any(way.to == to for way in sheet.ways_back) else "submitter",
        answers=answers or {},
        operations=[(slug, kind) for slug, kind in KINDS.items() if kind.operation in sheet.operations],
    )


def _said(error: CountersignError | None, sheet: SheetView, visit: Visit) -> str:
    """Why something did not count. What became of a task that is not theirs any more is told below it."""
    if isinstance(error, NotPossible) and sheet.gone is not None:
        return visit.words(NOT_COUNTED)
    return sentence(error, visit.formats) if error else ""


def _phrases(visit: Visit) -> tuple[str, ...]:
    """The viewer's own, or else those that everybody is offered."""
    assert visit.viewer is not None
    return phrases.listed(visit.app, visit.viewer) or tuple(map(visit.words, PHRASES))


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
