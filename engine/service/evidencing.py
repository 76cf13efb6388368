"""Evidence that comes later for what a customer accepted in the hall: the code that they read back, the number of the
signature.

A clerk of the same halls writes it down, or the case's submitter; then the acceptance is a conversion, once, of the
moment at which it was made. Refuses to change evidence that is there, and to take any in after the case was closed.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from engine.errors import AcceptanceConfirmed, InvalidForm, NotAccepted, NotFound, NotPossible
from engine.machine.case import Case
from engine.masking import masked
from engine.service import answered, confirmations, worth
from engine.service.app import Countersign
from engine.service.authorizing import allowed
from engine.service.confirmations import Proof
from engine.service.halls import serves
from engine.service.optouts import OPEN_STATES, takes_answers
from engine.service.recording import By, changing
from engine.store import cases, recommendations, waves
from engine.store.recommendations import Placed
from engine.store.reports import ResponseRow

PROVED = "acceptance_confirmed"
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Unproved:
    """An acceptance without evidence. `customer` is masked; `value` is money per month, None where nobody knows it."""

    id: str
    title: str
    customer: str
    by: str
    at: datetime
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class ProvedView:
    """What is written down now, by whom; it counts as a conversion."""

    id: str
    confirmed_by: str
    value: Decimal | None
    by: str
    at: datetime


def confirm(app: Countersign, by: By, number: str, proof: Proof) -> ProvedView:
    """Write the evidence of an acceptance down; the same again changes nothing.

    InvalidForm names wrong fields. NotFound where there is none, or who asks is neither a clerk of its halls nor the
    submitter of its case; NotAccepted where the customer did not accept; AcceptanceConfirmed where other evidence is.
    """
    wave, row = confirmations.place_of(number)
    with changing(app, by, None) as change:
        tx = change.tx
        waves.lock_all(tx, {wave})
        placed = recommendations.find(tx, wave, row)
        if placed is None:
            raise NotFound()
        case = cases.load(tx, placed.case_id)
        if not _may(app, tx, by, case):
            raise NotFound()
        how, evidence, problems = confirmations.checked(proof)
        if placed.answer != "accept":
            raise NotAccepted()
        value, more = worth.of(placed.value, proof.value)
        if problems or more:
            raise InvalidForm([*problems, *more])
        if placed.evidence:
            if (placed.confirmed_by, placed.evidence) == (how, evidence):
                return _view(change.organisation.name(placed.proved_by), placed)
            raise AcceptanceConfirmed(by=change.organisation.name(placed.proved_by), at=placed.proved_at)
        if not takes_answers(case):
            raise NotPossible(action="confirm", state=case.state, possible="confirm while " + ", ".join(OPEN_STATES))
        told = {"confirmed_by": how, "evidence": evidence, "value": value}
        recommendations.note_answer(tx, wave, row, **told, proved_by=by.person, proved_at=change.now)
        assert placed.answered_at is not None
        kept = ResponseRow(placed.customer, "conversion", placed.answered_at, value, f"hall:{placed.id}")
        answered.keep(app, tx, case.id, [kept], source="hall", by=by.person)
        change.note(PROVED, f"recommendation {placed.id}", after={"confirmed_by": how, "case": case.number or case.id})
        now = recommendations.find(tx, wave, row)
        assert now is not None
        return _view(change.organisation.name(by.person), now)


def confirm_of(app: Countersign, by: By, case_id: str, number: str, proof: Proof) -> ProvedView:
    """The same for an acceptance of this case; NotFound for one of another."""
    wave, row = confirmations.place_of(number)
    with app.db.read() as tx:
        placed = recommendations.find(tx, wave, row)
    if placed is None or placed.case_id != case_id:
        raise NotFound()
    return confirm(app, by, number, proof)


def of_customer(app: Countersign, tx: Connection, by: By, customer: str) -> tuple[Unproved, ...]:
    """What the customer accepted without evidence in the halls of this clerk, of cases that still take it."""
    organisation = app.organisation(tx)
    rows = recommendations.unproved_of_customer(tx, customer)
    held = {one.id: one for one in cases.load_many(tx, sorted({one.case_id for one in rows}))}
    mine = {name for name, case in held.items() if takes_answers(case) and serves(organisation, by, case.office)}
    return tuple(_unproved(app, tx, held[one.case_id], one) for one in rows if one.case_id in mine)


def of_case(app: Countersign, tx: Connection, case: Case) -> tuple[int, tuple[Unproved, ...]]:
    """How many acceptances of the case have no evidence, and the newest of them; none once it takes none any more."""
    if not takes_answers(case):
        return 0, ()
    rows = recommendations.unproved_of_case(tx, case.id, SHOWN)
    return recommendations.count_unproved(tx, case.id), tuple(_unproved(app, tx, case, one) for one in rows)


def _may(app: Countersign, tx: Connection, by: By, case: Case) -> bool:
    if by.viewer is None or case.submitter == by.person:
        return True
    return allowed(by.viewer, "hall.serve") and serves(app.organisation(tx), by, case.office)


def _unproved(app: Countersign, tx: Connection, case: Case, one: Placed) -> Unproved:
    assert one.answered_at is not None
    return Unproved(
        id=one.id,
        title=str(case.form.get("title") or ""),
        customer=masked(one.customer),
        by=app.organisation(tx).name(one.answered_by),
        at=one.answered_at,
        value=one.value,
    )


def _view(name: str, placed: Placed) -> ProvedView:
    assert placed.proved_at is not None
    return ProvedView(placed.id, placed.confirmed_by, placed.value, name, placed.proved_at)
