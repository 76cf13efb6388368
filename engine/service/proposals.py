"""The submitter's part: start a draft, save it, submit it, withdraw it.

What was typed is never lost: values that can be kept are saved even where others are refused.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from engine.definition.proposal import Parsed
from engine.errors import ExpressionFailed, InvalidForm, NotFound, Problem, SavedElsewhere
from engine.machine.advance import create
from engine.machine.case import LEFT, Case
from engine.machine.commands import Create, Edit, Submit, Withdraw
from engine.machine.process import Preview
from engine.service import attaching, budgeting, candidates, copying, previewing, referring, running, wording
from engine.service.app import Countersign
from engine.service.cases import load_visible
from engine.service.clashes import clashes_of
from engine.service.definitions import Startable, newest
from engine.service.definitions import startable as all_startable
from engine.service.drifting import drift_view
from engine.service.fields import Choices, changes_between, field_views
from engine.service.numbers import case_number
from engine.service.sheet_views import BudgetLeft
from engine.service.showing import chain_view, comments_view, waves_of
from engine.service.telling import form_submitted, reason_of
from engine.service.views import FieldView, FormView, Viewer
from engine.store import cases, history
from engine.store.cases import Locked
from engine.store.rows import Decided
from engine.values import canonical_json

WRITABLE = ("draft", "returned")


def startable(app: Countersign, viewer: Viewer) -> tuple[Startable, ...]:
    """The kinds of case this viewer may start: all published ones for a submitter, else none."""
    return all_startable(app) if viewer.has("submitter") else ()


def start(app: Countersign, viewer: Viewer, name: str, *, key: str) -> str:
    """Open a draft in the viewer's office; the same `key` again gives the same case. Returns the case's id."""
    office = next((grant.office for grant in viewer.grants if grant.role == "submitter"), None)
    if office is None:
        raise NotFound()
    ref, definition = newest(app, name)
    command = Create(actor=viewer.person, office=office)

    def decide(tx: Connection) -> Decided:
        outcome = create(secrets.token_hex(8), ref, command, app.now(), app.process(ref, tx))
        return Decided(command, outcome, running.index_of(definition, app.organisation(tx), outcome.case))

    return cases.create(app.db, f"{viewer.person}:{key}", decide).case.id


def form(
    app: Countersign,
    viewer: Viewer,
    case_id: str,
    *,
    typed: Mapping[str, Any] | None = None,
    problems: tuple[Problem, ...] = (),
    copied_from: str = "",
) -> FormView:
    """The form as saved, with who would approve it. NotFound for anyone but the submitter.

    What was `typed` stands in the fields even where it could not be saved; `was` is then what is saved.
    """
    with app.db.read() as tx:
        case = _own(app, tx, viewer, case_id)
        view = _form(app, tx, viewer, case, replace(_typed(app, tx, case, typed or {}), problems=problems))
        return replace(view, taken=copying.taken(app, tx, viewer, copied_from, case)) if copied_from else view


def save(
    app: Countersign, viewer: Viewer, case_id: str, raw: Mapping[str, Any], *, key: str, seen: str = ""
) -> FormView:
    """Keep what was typed, as far as each value can be read; problems stand beside the fields, nothing is refused.

    `seen` names the form that was changed, as `FormView.seen`. Raises SavedElsewhere where another was saved since;
    an empty one overwrites whatever is there.
    """
    with app.db.read() as tx:
        case = _own(app, tx, viewer, case_id)
        typed = _typed(app, tx, case, raw)
    parsed = _parsed(app, case, typed, whole=False)
    if _kept(case, typed.raw, parsed) != case.form:

        def command(locked: Locked) -> Edit:
            values = _kept(locked.case, typed.raw, parsed)
            _refuse_elsewhere(locked.case, values, seen)
            return Edit(actor=viewer.person, form=values)

        case = running.carry_out(app, case_id, command, key=key).case
    with app.db.read() as tx:
        said = wording.wrong(app.settings, app.definition(case.process), case.form)
        return _form(app, tx, viewer, case, replace(typed, problems=(*parsed.problems, *said)))


def submit(app: Countersign, viewer: Viewer, case_id: str, raw: Mapping[str, Any], *, key: str, seen: str = "") -> None:
    """Submit or resubmit. Raises InvalidForm with every problem, and ExpressionFailed where no chain can be chosen for
    the form; what could be read is saved all the same. `seen` and SavedElsewhere as in `save`."""
    with app.db.read() as tx:
        case = _own(app, tx, viewer, case_id)
        typed = _typed(app, tx, case, raw)
    definition = app.definition(case.process)
    parsed = _parsed(app, case, typed, whole=True)
    with app.db.read() as tx:
        wrong = referring.wrong(app, tx, definition, case, parsed.values)
    if wrong:
        parsed = Parsed(parsed.values, (*parsed.problems, *wrong))
    if parsed.problems:
        _keep(app, case, _kept(case, typed.raw, parsed), key, seen)
        raise InvalidForm(parsed.problems)

    def command(locked: Locked) -> Submit:
        _refuse_elsewhere(locked.case, parsed.values, seen)
        number = locked.case.number or case_number(app, definition.proposal.numbering, locked)
        return Submit(actor=viewer.person, form=parsed.values, number=number)

    try:
        running.carry_out(app, case_id, command, key=key)
    except (ExpressionFailed, InvalidForm):
        _keep(app, case, parsed.values, key, seen)
        raise


def withdraw(app: Countersign, viewer: Viewer, case_id: str, reason: str, *, key: str, again: bool = False) -> None:
    """Take the case back, as long as nothing was sent: for good, or `again` to change it and submit it once more."""
    with app.db.read() as tx:
        _own(app, tx, viewer, case_id)
    running.carry_out(app, case_id, Withdraw(actor=viewer.person, reason=reason.strip(), again=again), key=key)


def _keep(app: Countersign, case: Case, values: dict[str, Any], key: str, seen: str) -> None:
    """What was typed is not lost by a refusal."""
    if _is_writable(app, case) and values != case.form:

        def command(locked: Locked) -> Edit:
            _refuse_elsewhere(locked.case, values, seen)
            return Edit(actor=case.submitter, form=values)

        running.carry_out(app, case.id, command, key=f"{key}:kept:{secrets.token_hex(4)}")


@dataclass(frozen=True, slots=True)
class _Typed:
    """What was typed, with the record of each file and the code of each name; `found` is what a name may mean."""

    raw: Mapping[str, Any]
    shown: Mapping[str, Any]
    found: Choices
    problems: tuple[Problem, ...]


def _typed(app: Countersign, tx: Connection, case: Case, raw: Mapping[str, Any]) -> _Typed:
    definition = app.definition(case.process)
    with_files = attaching.resolved(tx, definition, case.id, raw)
    named, found, problems = candidates.named(app.organisation(tx), definition, with_files)
    asked = {problem.at for problem in problems}
    shown = {name: with_files[name] if name in asked else value for name, value in named.items()}
    return _Typed({name: value for name, value in named.items() if name not in asked}, shown, found, problems)


def _parsed(app: Countersign, case: Case, typed: _Typed, *, whole: bool) -> Parsed:
    """What the form takes of it; where a name means several or nobody, that is said and not that a value is missing."""
    parsed = app.definition(case.process).proposal.parse(typed.raw, whole=whole)
    asked = {problem.at for problem in typed.problems}
    problems = (*typed.problems, *(problem for problem in parsed.problems if problem.at not in asked))
    return Parsed(parsed.values, problems)


def _seen(case: Case) -> str:
    return hashlib.sha256(canonical_json(case.form)).hexdigest()[:16]


def _refuse_elsewhere(case: Case, values: Mapping[str, Any], seen: str) -> None:
    """Two windows, or two people at one account: who comes second is told, whatever they typed is still theirs."""
    if seen and seen != _seen(case) and values != case.form:
        raise SavedElsewhere()


def _kept(case: Case, raw: Mapping[str, Any], parsed: Parsed) -> dict[str, Any]:
    """The form with what could be read of `raw`: emptied fields are empty, refused ones keep what they had."""
    refused = {problem.at for problem in parsed.problems}
    before = {name: value for name, value in case.form.items() if name not in raw or name in refused}
    return before | parsed.values


def _is_writable(app: Countersign, case: Case) -> bool:
    """Whether the submitter may change the form now: in a draft, a returned case, or a declared state of kind form."""
    lifecycle = app.definition(case.process).lifecycle
    if lifecycle is None:
        return case.state in WRITABLE
    forms = {name for _, name, state, _ in lifecycle.walk() if state.kind == "form"}
    return not forms.isdisjoint(case.configuration)


def _own(app: Countersign, tx: Connection, viewer: Viewer, case_id: str) -> Case:
    case = load_visible(app, tx, viewer, case_id)
    if case.submitter != viewer.person:
        raise NotFound()
    return case


def _form(app: Countersign, tx: Connection, viewer: Viewer, case: Case, typed: _Typed) -> FormView:
    definition, organisation = app.definition(case.process), app.organisation(tx)
    left = budgeting.left_now(app, tx, case)
    preview, failed = _preview(app, tx, case, left)
    entries = history.load(tx, case.id)
    because, by = reason_of(organisation, entries, case)
    fields = field_views(
        definition,
        case.form,
        writable=_is_writable(app, case),
        people=referring.choices(app, tx, definition, case),
    )
    return FormView(
        case_id=case.id,
        seq=case.seq,
        definition=definition.title,
        definition_name=definition.name,
        fields=tuple(_as_typed(field, typed) for field in fields),
        problems=typed.problems,
        preview=chain_view(organisation, preview.columns, waves=waves_of(definition)) if preview else None,
        reasons=preview.reasons if preview else (),
        saved_at=case.updated_at if case.form else None,
        returned_because=because,
        returned_by=by,
        drift=drift_view(definition, app.process(case.process, tx), case.drift),
        failed=failed,
        seen=_seen(case),
        changes=changes_between(definition, form_submitted(entries), case.form),
        clashes=clashes_of(app, tx, viewer.person, case),
        comments=comments_view(app, tx, case),
        writable=_is_writable(app, case),
        counts=definition.audience is not None,
        budget_left=left,
        message=previewing.typed(app, case),
    )


def _preview(app: Countersign, tx: Connection, case: Case, left: BudgetLeft | None) -> tuple[Preview | None, str]:
    """Who would approve the form as it is; or why that cannot be told, where a rule cannot be worked out."""
    whole = app.definition(case.process).proposal.parse(case.form, whole=True)
    if whole.problems:
        return None, ""
    seen = {**whole.values, LEFT: f"{left.left:f}"} if left else whole.values
    try:
        return app.process(case.process, tx).preview(seen, case.office, case.submitter, app.now()), ""
    except ExpressionFailed as error:  # the form stays open: what the rule lacks is filled in here
        return None, error.message


def _as_typed(field: FieldView, typed: _Typed) -> FieldView:
    if field.name not in typed.shown:
        return field
    raw = typed.shown[field.name]
    is_other = _plain(raw) != _plain(field.raw)
    return replace(field, raw=raw, was=field.raw if is_other else None, found=typed.found.get(field.name, ()))


def _plain(value: Any) -> Any:
    """A value as it is compared with what was typed: a number as its text, nothing as nothing."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items() if one not in (None, "")}
    return "" if value is None else str(value)
