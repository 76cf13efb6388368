"""Asking for more while a delivery is paused (追加申请): what may be asked for, what it would take, and asking.

Refuses a field whose value stands in a text that customers got, which the machine cannot know: the texts of a case may
stand in its form.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import Any

from sqlalchemy import Connection

from engine.definition.model import Definition
from engine.delivery.message import placeholders
from engine.errors import InvalidForm, NotFound, NotPossible, Problem
from engine.machine.case import Case
from engine.machine.commands import Widen
from engine.machine.funding import FIELD, amount_of
from engine.machine.wider import WIDENING, is_widening
from engine.service import running, spending, stepping_up
from engine.service.app import Countersign
from engine.service.fields import changes_between, field_views
from engine.service.showing import person_name
from engine.service.views import FieldView, Viewer, WideningView
from engine.service.widening_views import WideningForm
from engine.store import cases, ledger, visibility
from engine.store.budgets import holding

CENT = Decimal("0.01")


def form(
    app: Countersign,
    viewer: Viewer,
    case_id: str,
    *,
    typed: Mapping[str, Any] | None = None,
    reason: str = "",
    problems: tuple[Problem, ...] = (),
) -> WideningForm:
    """What may be asked for, filled with what would suffice, or with what was `typed`. NotFound for who is not its
    submitter, NotPossible where nothing may be asked for now."""
    with app.db.read() as tx:
        case = _own(app, tx, viewer, case_id)
        names = _asked_for(app, tx, case)
        definition = app.definition(case.process)
        missing = spending.missing(app, tx, case)
        suggested = dict(case.form)
        if missing and FIELD in names:
            suggested[FIELD] = f"{(amount_of(case) + missing).quantize(CENT, rounding=ROUND_UP):f}"
        shown = {**suggested, **(typed or {})}
        views = field_views(definition, shown, writable=True, before=case.form)
        fields = tuple(_with_was(view, case) for view in views if view.name in names)
        left = holding(tx, case.id, case.fund.account).committed if case.fund else None
    return WideningForm(
        case_id=case.id,
        title=str(case.form.get("title") or ""),
        fields=fields,
        missing=missing,
        left=left,
        currency=_currency(case),
        reason=reason,
        problems=problems,
    )


def ask(app: Countersign, viewer: Viewer, case_id: str, raw: Mapping[str, Any], reason: str, *, key: str) -> None:
    """Ask for more: approval opens again for what changed, and the delivery waits. Raises InvalidForm with every
    problem at its field, NotFound, and NotPossible where the delivery is not paused."""
    with app.db.read() as tx:
        case = _own(app, tx, viewer, case_id)
        _asked_for(app, tx, case)
    definition = app.definition(case.process)
    known = {name: raw[name] for name in raw if name in definition.proposal.fields}
    parsed = definition.proposal.parse({**case.form, **known}, whole=True)
    told = told_of(definition, case)
    wanted = {name: parsed.values.get(name) for name in known}
    problems = list(parsed.problems)
    problems += [Problem("form.unknown", f"there is no field {name}", at=name) for name in raw if name not in known]
    problems += [_is_told(name) for name, value in wanted.items() if name in told and value != case.form.get(name)]
    if problems:
        raise InvalidForm(problems)
    running.carry_out(app, case_id, Widen(actor=viewer.person, form=wanted, reason=reason.strip()), key=key)


def told_of(definition: Definition, case: Case) -> frozenset[str]:
    """The fields that stand in the texts of the case."""
    message = definition.delivery.message if definition.delivery else None
    if message is None:
        return frozenset()
    said = (*(words for _, words in message.every), *filter(None, (message.email,)))
    texts = [words.template(case.form) for words in said]
    named = (name for text in texts for name in placeholders(text))
    return frozenset(name.removeprefix("form.") for name in named if name.startswith("form."))


def widening_view(app: Countersign, tx: Connection, case: Case, unseen: Collection[str] = ()) -> WideningView | None:
    """What is asked for and where the delivery stands meanwhile; None where nothing is asked for."""
    if not is_widening(case):
        return None
    asked, definition = case.facts[WIDENING], app.definition(case.process)
    sums = ledger.sums(tx, case.id).values()
    money = None if case.fund is None or FIELD in unseen else holding(tx, case.id, case.fund.account)
    return WideningView(
        changes=changes_between(definition, asked["was"], case.form, unseen),
        reason=asked["reason"],
        at=datetime.fromisoformat(asked["at"]),
        by=person_name(app.organisation(tx), case.submitter),
        spent=money.actual if money else None,
        left=money.committed if money else None,
        sent=sum(one.contacted for one in sums),
        audience=sum(one.audience for one in sums),
        currency=_currency(case),
    )


def missing_for(app: Countersign, tx: Connection, viewer: Viewer, case: Case) -> Decimal:
    """How much more the submitter would ask for, for everything to go out; nothing for the others."""
    is_asked = case.state == "paused" and viewer.person == case.submitter and _names(app, tx, case)
    return spending.missing(app, tx, case) if is_asked else Decimal()


def _names(app: Countersign, tx: Connection, case: Case) -> frozenset[str]:
    widens = app.process(case.process, tx).stages.widens
    return frozenset(widens) - told_of(app.definition(case.process), case)


def _asked_for(app: Countersign, tx: Connection, case: Case) -> frozenset[str]:
    process = app.process(case.process, tx)
    names = _names(app, tx, case)
    if "widen" not in process.possible(case) or not names:
        possible = ", ".join(one for one in process.possible(case) if one != "widen") or "nothing"
        raise NotPossible(action="ask for more", state=case.state, possible=possible)
    return names


def _currency(case: Case) -> str:
    return case.fund.account.rpartition(":")[2] if case.fund else "CNY"


def _with_was(view: FieldView, case: Case) -> FieldView:
    return replace(view, was=case.form.get(view.name))


def _is_told(name: str) -> Problem:
    message = f"{name} cannot be changed any more: it stands in the texts that customers got"
    return Problem("form.told", message, at=name)


def _own(app: Countersign, tx: Connection, viewer: Viewer, case_id: str) -> Case:
    if not visibility.may_see(tx, viewer.person, case_id):
        raise NotFound()
    case = cases.load(tx, case_id)
    if case.submitter != viewer.person:
        raise NotFound()
    stepping_up.refuse_code(app, viewer, case.process)
    return case
