"""A case as pages and API show it. The one place that puts together what the parts know of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from sqlalchemy import Connection

from engine.definition.model import Definition
from engine.errors import NotFound
from engine.machine.case import Case, Child
from engine.machine.process import Process
from engine.service import (
    access,
    arbitrated,
    audience_views,
    budgeting,
    cell_views,
    delivering,
    detecting,
    evaluating,
    explaining,
    fields,
    referring,
    rehearsed,
    sampling,
    showing,
    splitting,
    stepping_up,
    telling,
    text_test_showing,
    widening,
)
from engine.service.app import Countersign
from engine.service.authorizing import allowed
from engine.service.drifting import drift_view
from engine.service.stage_views import AudienceView, Detection, EvaluationView
from engine.service.staleness import stale_view
from engine.service.views import CaseRow, CaseView, ChildView, Entry, RegistrationView, Viewer
from engine.store import cases, history, registers, visibility

LISTED = 100


def load_visible(app: Countersign, tx: Connection, viewer: Viewer, case_id: str) -> Case:
    """The case, where the viewer may see it. NotFound otherwise: absent and not yours look the same.
    SignInForConfidential where it is confidential, and they came by a one-time code."""
    if not visibility.may_see(tx, viewer.person, case_id):
        raise NotFound()
    case = cases.load(tx, case_id)
    stepping_up.refuse_code(app, viewer, case.process)
    return case


def case_page(app: Countersign, viewer: Viewer, case_id: str, order: Sequence[str] = ()) -> CaseView:
    """Everything of the case page, with the exclusions of its audience in `order`. NotFound where the viewer may not
    see it."""
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
        view = case_view(app, tx, viewer, case, order)
    access.note(app, viewer, case)
    return view


def evaluations(app: Countersign, viewer: Viewer, case_id: str) -> tuple[str, tuple[EvaluationView, ...]]:
    """The number of a case and its stored evaluations alone, as the case page has them. NotFound where the viewer may
    not see it."""
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
        found = evaluating.evaluations_view(app, tx, case, fields.hidden(app, tx, viewer.person, case))
    access.note(app, viewer, case)
    return case.number or "", found


def listed(app: Countersign, viewer: Viewer, query: str = "", state: str = "") -> tuple[CaseRow, ...]:
    """The cases that the viewer may see, newest change first, 100 at most; `query` looks in title, number and
    register number."""
    return page(app, viewer, query, state)[0]


def page(
    app: Countersign,
    viewer: Viewer,
    query: str = "",
    state: str = "",
    *,
    limit: int = LISTED,
    after: tuple[datetime, str] | None = None,
) -> tuple[tuple[CaseRow, ...], tuple[datetime, str] | None]:
    """A piece of that list behind `after`, and behind what the next one begins; None at the end."""
    with app.db.read() as tx:
        lines = visibility.listed(tx, viewer.person, query=query.strip(), state=state, limit=limit + 1, after=after)
        following = (lines[limit - 1].updated_at, lines[limit - 1].id) if len(lines) > limit else None
        lines = lines[:limit]
        rows = tuple(showing.case_row(app, tx, line, viewer.person) for line in lines)
        # a title that is not seen is not found by its words either
        wanted, registered = query.strip().lower(), registers.cases_of(tx, query.strip())
        shown = tuple(row for row in rows if row.title or wanted in row.number.lower() or row.id in registered)
        return shown, following


def case_view(app: Countersign, tx: Connection, viewer: Viewer, case: Case, order: Sequence[str] = ()) -> CaseView:
    """The case page's values, for a viewer who may see the case."""
    definition, organisation = app.definition(case.process), app.organisation(tx)
    entries = history.load(tx, case.id)
    process, unseen = app.process(case.process, tx), fields.hidden(app, tx, viewer.person, case)
    waves = delivering.waves_view(app, tx, case.id)
    chain = showing.chain_view(
        organisation, process.chain(case), waves=len(waves) if waves else showing.waves_of(definition)
    )
    line = visibility.find(tx, viewer.person, case.id)
    if line is None:
        raise NotFound()
    entries_seen = telling.history_view(app, tx, case, entries, unseen)
    kin = _kin(app, tx, viewer, case)
    parent = kin.get(case.parent.case) if case.parent else None
    audience = _audience_view(
        audience_views.audience_view(app, tx, viewer.person, case, order=order, unseen=unseen), definition, unseen
    )
    return CaseView(
        row=showing.case_row(app, tx, line, viewer.person),
        version=case.process.version,
        confidential=definition.proposal.visibility == "confidential",
        route=case.route or "",
        reasons=fields.seen_reasons(telling.reasons_of(entries), unseen),
        round=case.round,
        seq=case.seq,
        waiting=explaining.waiting(app, tx, viewer, case, chain=chain, entries=entries),
        chain=chain,
        fields=fields.field_views(
            definition,
            case.form,
            writable=False,
            people=referring.choices(app, tx, definition, case),
            unseen=unseen,
        ),
        audience=audience,
        detection=audience.detection if audience else _declared(app, tx, viewer, case, unseen),
        cells=() if audience else cell_views.declared(app, tx, case, unseen),
        waves=waves,
        evaluations=evaluating.evaluations_view(app, tx, case, unseen),
        history=entries_seen,
        amended=_amended(entries_seen) if viewer.person == case.submitter else (),
        drift=drift_view(definition, process, case.drift, unseen),
        message="" if "message" in unseen else str(case.form.get("message") or ""),
        registered=tuple(
            RegistrationView(one.number, showing.office_name(organisation, one.office), process.label(one.step))
            for one in case.registered
        ),
        children=_without_elements(
            tuple(_child_view(process, child, kin.get(child.id)) for child in case.children), definition, unseen
        ),
        parent=parent.id if parent else "",
        parent_row=parent,
        splitting=splitting.splitting_view(app, tx, viewer, case),
        budget_left=budgeting.left_shown(app, tx, case, unseen),
        access=access.access_view(app, tx, viewer, case),
        comments=showing.comments_view(app, tx, case, unseen),
        turns=tuple(one for one in entries_seen if one.what == "resubmitted" and one.changes),
        stages=tuple(name for name in ("audience", "delivery", "evaluation") if getattr(definition, name) is not None),
        rehearsals=rehearsed.of_case(app, tx, case, unseen),
        lost=arbitrated.of_case(app, tx, viewer.person, case.id),
        may_rehearse=_may_rehearse(viewer, case, definition, unseen, is_frozen=audience is not None),
        stale=stale_view(app, tx, case, unseen),
        tests=text_test_showing.views(app, tx, viewer, case, unseen),
        previews=sampling.may_read(definition, case, unseen),
        widening=widening.widening_view(app, tx, case, unseen),
        missing=widening.missing_for(app, tx, viewer, case),
    )


def _may_rehearse(
    viewer: Viewer, case: Case, definition: Definition, unseen: frozenset[str], *, is_frozen: bool
) -> bool:
    """Whether a tariff may be rehearsed for its customers: of the frozen list, or by its submitter of an estimate."""
    is_about = "offer" in definition.proposal.fields and "offer" not in unseen and definition.audience is not None
    return is_about and allowed(viewer, "rehearsals.run") and (is_frozen or viewer.person == case.submitter)


def _amended(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """What approvers changed since the case was last submitted."""
    since = takewhile(lambda one: one.what not in ("submitted", "resubmitted"), entries)
    return tuple(one for one in since if one.changes and one.what not in ("edited", "asked_for_more"))


def _kin(app: Countersign, tx: Connection, viewer: Viewer, case: Case) -> dict[str, CaseRow]:
    """Of the case that opened this one and those that it opened, what the viewer may see."""
    ids = [child.id for child in case.children] + ([case.parent.case] if case.parent else [])
    return {
        line.id: showing.case_row(app, tx, line, viewer.person) for line in visibility.among(tx, viewer.person, ids)
    }


def _declared(app: Countersign, tx: Connection, viewer: Viewer, case: Case, unseen: frozenset[str]) -> Detection | None:
    """What the control group could show, unless it would tell a number that the reader does not see."""
    plan = app.definition(case.process).audience
    is_hidden = plan is None or plan.drift is None or plan.drift.source in unseen
    return None if is_hidden else detecting.declared(app, tx, viewer.person, case)


def _audience_view(view: AudienceView | None, definition: Definition, unseen: frozenset[str]) -> AudienceView | None:
    """The frozen audience, without its statement where a value stands in that that the reader does not see."""
    rules = definition.audience.model_dump_json() if definition.audience else ""
    return replace(view, sql="", groups=()) if view is not None and fields.reads(rules, unseen) else view


def _without_elements(
    children: tuple[ChildView, ...], definition: Definition, unseen: frozenset[str]
) -> tuple[ChildView, ...]:
    """The cases that this one opened, not told what each is for where that comes of a field that is not seen."""
    opening = definition.lifecycle.model_dump_json() if definition.lifecycle else ""
    return tuple(replace(child, element="") for child in children) if fields.reads(opening, unseen) else children


def _child_view(process: Process, child: Child, row: CaseRow | None) -> ChildView:
    return ChildView(
        id=row.id if row else "",
        number=row.number if row else "",
        definition=child.definition,
        place=process.label(child.place),
        element="" if child.element is None else str(child.element),
        state=child.state,
        outcome=child.outcome,
        row=row,
    )
