"""The submitter's part: start a draft, save it, submit it, withdraw it.

What was typed is never lost: values that can be kept are saved even where others are refused.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from engine.definition.proposal import Parsed
from engine.errors import ExpressionFailed, InvalidForm, NotFound, Problem
from engine.machine.advance import create
from engine.machine.case import Case
from engine.machine.commands import Create, Edit, Submit, Withdraw
from engine.service import candidates, running
from engine.service.app import Countersign
from engine.service.cases import load_visible
from engine.service.definitions import Startable, newest
from engine.service.definitions import startable as all_startable
from engine.service.drifting import drift_view
from engine.service.fields import field_views
from engine.service.numbers import case_number
from engine.service.showing import chain_view, waves_of
from engine.service.telling import reason_of
from engine.service.views import FormView, Viewer
from engine.store import cases, history
from engine.store.cases import Locked
from engine.store.rows import Decided

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


def form(app: Countersign, viewer: Viewer, case_id: str) -> FormView:
    """The form as saved, with who would approve it. NotFound for anyone but the submitter."""
    with app.db.read() as tx:
        case = _own(app, tx, viewer, case_id)
        return _form(app, tx, case, ())


def save(app: Countersign, viewer: Viewer, case_id: str, raw: Mapping[str, Any], *, key: str) -> FormView:
    """Keep what was typed, as far as each value can be read; problems stand beside the fields, nothing is refused."""
    with app.db.read() as tx:
        case = _own(app, tx, viewer, case_id)
    parsed = app.definition(case.process).proposal.parse(raw, whole=False)
    values = _kept(case, raw, parsed)
    if values != case.form:
        case = running.carry_out(app, case_id, Edit(actor=viewer.person, form=values), key=key).case
    with app.db.read() as tx:
        return _form(app, tx, case, parsed.problems)


def submit(app: Countersign, viewer: Viewer, case_id: str, raw: Mapping[str, Any], *, key: str) -> None:
    """Submit or resubmit. Raises InvalidForm with every problem, and ExpressionFailed where no chain can be chosen for
    the form; what could be read is saved all the same."""
    with app.db.read() as tx:
        case = _own(app, tx, viewer, case_id)
    definition = app.definition(case.process)
    parsed = definition.proposal.parse(raw, whole=True)
    with app.db.read() as tx:
        wrong = candidates.wrong(app.organisation(tx), definition, case, parsed.values)
    if wrong:
        parsed = Parsed(parsed.values, (*parsed.problems, *wrong))
    if parsed.problems:
        _keep(app, case, _kept(case, raw, parsed), key)
        raise InvalidForm(parsed.problems)

    def command(locked: Locked) -> Submit:
        number = locked.case.number or case_number(app, definition.proposal.numbering, locked)
        return Submit(actor=viewer.person, form=parsed.values, number=number)

    try:
        running.carry_out(app, case_id, command, key=key)
    except ExpressionFailed:
        _keep(app, case, parsed.values, key)
        raise


def withdraw(app: Countersign, viewer: Viewer, case_id: str, reason: str, *, key: str, again: bool = False) -> None:
    """Take the case back, as long as nothing was sent: for good, or `again` to change it and submit it once more."""
    with app.db.read() as tx:
        _own(app, tx, viewer, case_id)
    running.carry_out(app, case_id, Withdraw(actor=viewer.person, reason=reason.strip(), again=again), key=key)


def _keep(app: Countersign, case: Case, values: dict[str, Any], key: str) -> None:
    """What was typed is not lost by a refusal."""
    if _is_writable(app, case) and values != case.form:
        edit = Edit(actor=case.submitter, form=values)
        running.carry_out(app, case.id, edit, key=f"{key}:kept:{secrets.token_hex(4)}")


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


def _form(app: Countersign, tx: Connection, case: Case, problems: tuple[Problem, ...]) -> FormView:
    definition, organisation = app.definition(case.process), app.organisation(tx)
    whole = definition.proposal.parse(case.form, whole=True)
    preview, failed = None, ""
    if not whole.problems:
        try:
            preview = app.process(case.process, tx).preview(whole.values, case.office, case.submitter, app.now())
        except ExpressionFailed as error:  # the form stays open: what the rule lacks is filled in here
            failed = error.message
    because, by = reason_of(organisation, history.load(tx, case.id), case)
    return FormView(
        case_id=case.id,
        seq=case.seq,
        definition=definition.title,
        definition_name=definition.name,
        fields=field_views(
            definition,
            case.form,
            writable=_is_writable(app, case),
            people=candidates.choices(organisation, definition, case),
        ),
        problems=problems,
        preview=chain_view(organisation, preview.columns, waves=waves_of(definition)) if preview else None,
        reasons=preview.reasons if preview else (),
        saved_at=case.updated_at if case.form else None,
        returned_because=because,
        returned_by=by,
        drift=drift_view(definition, app.process(case.process, tx), case.drift),
        failed=failed,
    )
