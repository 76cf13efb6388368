"""A caller's work (外呼): take the next customer, see the number, record what came of it.

Two callers never have one customer: a call is taken by a lease, and from the moment its number was shown it stays with
who saw it until they record a result, or the lead takes it back. Every look at a number is recorded. Opt-outs are asked
for when a call is taken and again before its number is shown. Refuses to show a number while the case is paused, out
of the wave's hours, or to anybody who does not have the customer before them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from engine.delivery.calls import DISPOSITIONS, Result
from engine.delivery.waves import chunk_size
from engine.errors import (
    CallsHeld,
    CallsOver,
    ChangedMeanwhile,
    CustomersUnavailable,
    InvalidForm,
    NotFound,
    NumberShown,
    OutOfHours,
    Problem,
)
from engine.machine.case import Case
from engine.masking import masked, masked_name
from engine.service import call_results, call_scope, offering, whereabouts, worth
from engine.service.app import Countersign
from engine.service.authorizing import Action
from engine.service.call_results import Told
from engine.service.customers import LONGEST, NAME
from engine.service.optouts import takes_answers
from engine.service.recording import By, changing
from engine.service.sealing import vault
from engine.store import calls, cases, visibility, waves
from engine.store.calls import AttemptRow, CallRow
from engine.store.waves import WaveRow
from engine.values import NO_TEXT, Bilingual
from engine.warehouse.customers import Facts
from engine.warehouse.run import Limits
from engine.warehouse.wavefiles import Letter, WaveFile

MAKES: Action = "calls.make"
LEASE = timedelta(minutes=10)
"""So long a customer whose number was not shown stays before a caller who does nothing."""
TRIES = 100
"""Customers in a row that others take, or who have opted out, before a caller is told that nobody is due."""


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One attempt, as callers and leads see it."""

    at: datetime
    caller: str
    disposition: str
    call_back_at: datetime | None
    note: str


@dataclass(frozen=True, slots=True)
class CallView:
    """A customer before a caller. `customer`, `name` and `phone` are masked; `hours` are empty where the wave has none.
    `title` is empty where the case is not theirs to see.
    `version` goes with whatever is done next. `shown_at`: since when the caller may have the customer on the line.
    `fee` is what the offer costs per month, which an acceptance is worth; None where it has none."""

    wave: str
    row: int
    version: int
    case_id: str
    case_number: str
    title: str
    customer: str
    name: str
    phone: str
    script: str
    offer: Bilingual
    attempts: tuple[AttemptView, ...]
    most: int
    missed: int
    hours: str
    shown_at: datetime | None
    fee: Decimal | None


@dataclass(frozen=True, slots=True)
class Desk:
    """What a caller sees: the customer before them, or how many are due now and when the next one will be."""

    call: CallView | None
    due: int = 0
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """The number to dial; empty where the customer must not be called any more, and then the call is over."""

    number: str
    call: CallView


@dataclass(frozen=True, slots=True)
class Named:
    """A call as a caller saw it."""

    wave: str
    row: int
    version: int


def desk(app: Countersign, by: By) -> Desk:
    """The caller's desk at this moment; takes nothing."""
    by.authorize(MAKES)
    with app.db.read() as tx:
        call = calls.held(tx, by.person)
        if call is not None:
            return Desk(_view(app, tx, by.person, call))
        now = call_scope.sought(app, tx, by.person)
        later = call_scope.sought(app, tx, by.person, at_any_hour=True)
        return Desk(None, calls.count_due(tx, now), calls.next_due(tx, later))


def take(app: Countersign, by: By) -> CallView | None:
    """Take the next customer, or the one whom the caller has before them; None where nobody is due."""
    by.authorize(MAKES)
    for _ in range(TRIES):
        with app.db.begin() as tx:
            if calls.held(tx, by.person) is not None:
                break
            sought = call_scope.sought(app, tx, by.person)
            seen = calls.first_due(tx, sought)
            if seen is None:
                return None
            waves.lock(tx, seen.wave)
            if not calls.hold(tx, seen, by.person, clock=sought.clock, until=sought.clock + LEASE):
                continue  # another caller was faster
            call = calls.find(tx, seen.wave, seen.row)
            assert call is not None
            if call_results.is_barred(app, tx, call):
                call_results.end_unmade(app, tx, [call], is_barred=True)
                continue
            break
    return desk(app, by).call


def show(app: Countersign, by: By, named: Named) -> Number:
    """The number of the customer whom the caller has before them, and that they saw it is recorded."""
    with changing(app, by, MAKES) as change:
        tx = change.tx
        call, wave, case = _theirs(tx, by, named)
        if case.state != "delivering" or wave.state not in call_scope.WORKED:
            raise CallsHeld()
        if call_scope.opens(app, wave.plan.hours, change.now) != change.now:
            raise OutOfHours(hours=call_results.span(wave.plan.hours))
        number = ""
        if call_results.is_barred(app, tx, call):
            call_results.end_unmade(app, tx, [call], is_barred=True)
        else:
            number = vault(app.settings).open(_letter(app, wave, call).address)
            calls.show(tx, call, at=change.now)
            told = {"field": "phone", "case": case.number or case.id}
            change.note("number_shown", f"customer {call.customer}", after=told)
    with app.db.read() as tx:
        again = calls.find(tx, call.wave, call.row)
        assert again is not None
        return Number(number, _view(app, tx, by.person, again))


def put_back(app: Countersign, by: By, named: Named) -> None:
    """Leave the customer to others. Who saw the number records a result instead."""
    by.authorize(MAKES)
    with app.db.begin() as tx:
        call, _wave, _case = _theirs(tx, by, named)
        if not calls.let_go(tx, call, by.person):
            raise NumberShown()


def record(
    app: Countersign,
    by: By,
    named: Named,
    *,
    disposition: str,
    call_back_at: str = "",
    evidence: str = "",
    note: str = "",
    value: str = "",
) -> None:
    """Record what came of the call; `value` is the amount per month of what was accepted, where the offer has no fee.
    The same again changes nothing. InvalidForm names what is missing; NotFound where the customer is not before the
    caller, ChangedMeanwhile where the lead took them back."""
    by.authorize(MAKES)
    now = app.now()
    if disposition not in DISPOSITIONS:
        raise InvalidForm([Problem("call.disposition", "choose what came of the call", at="disposition")])
    result = Result(disposition, now, _moment(app, call_back_at))
    told = Told(result, by.person, f"v{named.version}", evidence.strip(), note.strip(), value)
    with app.db.begin() as tx:
        seen = calls.find(tx, named.wave, named.row)
        if seen is None:
            raise NotFound()
        waves.lock(tx, named.wave)
        if _is_repeated(tx, by, named, told):
            return
        call, wave, case = _theirs(tx, by, named)
        if not takes_answers(case):
            raise CallsOver()
        told, problems = call_results.valued(told, _fee(app, tx, case, call))
        if problems := [*call_results.wrong_with(app, told, wave), *problems]:
            raise InvalidForm(problems)
        call_results.record(app, tx, case, [(call, told)], by=by.person)


def read_moment(app: Countersign, text: str) -> datetime:
    """A time as people write it; without a zone it is the operator's. ValueError for what is none."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=app.settings.zone) if moment.tzinfo is None else moment


def attempt_views(app: Countersign, tx: Connection, rows: tuple[AttemptRow, ...]) -> tuple[AttemptView, ...]:
    """Attempts with the names of who made them."""
    organisation = app.organisation(tx)
    return tuple(
        AttemptView(one.at, organisation.name(one.caller), one.disposition, one.call_back_at, one.note) for one in rows
    )


def _moment(app: Countersign, text: str) -> datetime | None:
    try:
        return read_moment(app, text.strip()) if text.strip() else None
    except ValueError:
        told = f"{text[:40]!r} is not a time; write 2026-11-30T15:00"
        raise InvalidForm([Problem("call.not_time", told, at="call_back_at", fields={"value": text[:40]})]) from None


def _is_repeated(tx: Connection, by: By, named: Named, told: Told) -> bool:
    """Whether this result was recorded already, by the same caller from the same page."""
    for one in calls.attempts(tx, named.wave, named.row):
        if one.reference == told.reference and one.caller == by.person:
            if one.disposition != told.result.disposition:
                raise ChangedMeanwhile()
            return True
    return False


def _theirs(tx: Connection, by: By, named: Named) -> tuple[CallRow, WaveRow, Case]:
    """The call as the caller saw it, with its wave locked. NotFound where it is not before them."""
    wave = waves.lock(tx, named.wave)
    call = calls.find(tx, named.wave, named.row) if wave else None
    if wave is None or call is None or (call.held_by != by.person and call.version == named.version):
        raise NotFound()
    if call.version != named.version or call.state != "open":
        raise ChangedMeanwhile()
    return call, wave, cases.load(tx, call.case_id)


def _view(app: Countersign, tx: Connection, person: str, call: CallRow) -> CallView:
    case = cases.load(tx, call.case_id)
    wave = next(row for row in waves.of_case(tx, case.id) if row.id == call.wave)
    letter = _letter(app, wave, call)
    phone = vault(app.settings).open(letter.address) if letter.address else ""
    return CallView(
        wave=call.wave,
        row=call.row,
        version=call.version,
        case_id=case.id,
        case_number=case.number or "",
        title=str(case.form.get("title") or "") if visibility.may_see(tx, person, case.id) else "",
        customer=masked(call.customer),
        name=_name(app, call.customer),
        phone=masked(phone),
        script=letter.text,
        offer=_offer(app, tx, case, letter.cell),
        attempts=attempt_views(app, tx, calls.attempts(tx, call.wave, call.row)),
        most=call_scope.rules_of(app, case).attempts,
        missed=call.missed,
        hours=call_results.span(wave.plan.hours),
        shown_at=call.shown_at,
        fee=_fee(app, tx, case, call),
    )


def _fee(app: Countersign, tx: Connection, case: Case, call: CallRow) -> Decimal | None:
    return call_results.fees_of(app, tx, case, [call]).get((call.wave, call.row))


def _letter(app: Countersign, wave: WaveRow, call: CallRow) -> Letter:
    """What the wave's file says of the customer."""
    file = WaveFile(app.settings.data / wave.file, wave.variant)
    try:
        letters = file.chunk(call.row // chunk_size(wave.plan))
    finally:
        file.close()
    return next(one for one in letters if one.row == call.row)


def _name(app: Countersign, customer: str) -> str:
    """The customer's name, masked; empty where the customers cannot be asked just now."""
    try:
        base = whereabouts.customers_of(app)
        found = base.facts(
            customer, limits=Limits(app.settings.memory_limit, min(LONGEST, app.settings.selection_seconds))
        )
    except CustomersUnavailable:
        return ""
    return masked_name(found.fields.get(NAME, "")) if isinstance(found, Facts) else ""


def _offer(app: Countersign, tx: Connection, case: Case, cell: str) -> Bilingual:
    """The offer of the customer's cell, else the one of the case."""
    code = worth.offer_of(app, case, cell)
    return offering.names(app, tx, [code]).get(code, NO_TEXT) if code else NO_TEXT
