"""What came of calls, written down: the call, the ledger, responses and the blacklist in one transaction.

For one result of a caller and for a hundred thousand of a file alike. A result is known by its reference, so that the
same one again changes nothing; one that comes late changes what it may (`engine.delivery.calls`). Also ends the calls
of customers who are no longer to be called. Refuses to ask who may: its callers did.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from engine.delivery.calls import NOT_REACHED, Result, Standing, after
from engine.delivery.plan import Hours
from engine.errors import Problem
from engine.machine.case import Case
from engine.service import answered, call_scope, forgotten, worth
from engine.service.app import Countersign
from engine.service.sealing import vault
from engine.store import calls, ledger, permits, suppression, waves
from engine.store.calls import AttemptRow, CallRow
from engine.store.ledger import SUPPRESSED, Receipt
from engine.store.reports import ResponseRow
from engine.store.waves import WaveRow

OPTED_OUT = "opted out before the next call"
NEVER_CALLED = "not called in time"
KINDS = {"accepted": "conversion", "interested": "response", "opt_out": "opt_out"}
"""What a disposition means for the evaluation of the case."""
ENDED_AT_ONCE = 5_000
LONGEST_NOTE = 200
LONGEST_EVIDENCE = 80
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Told:
    """One attempt as it was told. `reference` is the source's own id of it; `entered` the amount per month that was
    typed for an acceptance, and `value` what it is worth (`valued`)."""

    result: Result
    caller: str
    reference: str
    evidence: str = ""
    note: str = ""
    entered: str = ""
    value: Decimal | None = None


def fees_of(app: Countersign, tx: Connection, case: Case, rows: Sequence[CallRow]) -> dict[Place, Decimal | None]:
    """The monthly fee of what is offered to each of these customers of one case, as it is now; None where there is
    none."""
    by_wave: dict[str, list[int]] = {}
    for one in rows:
        by_wave.setdefault(one.wave, []).append(one.row)
    cells = {(wave, row): cell for wave, some in by_wave.items() for row, cell in ledger.cells(tx, wave, some).items()}
    fees = worth.fees(app, tx, case, cells.values(), app.now())
    return {place: fees[cell] for place, cell in cells.items()}


def valued(told: Told, fee: Decimal | None) -> tuple[Told, list[Problem]]:
    """The attempt with what it is worth, and what is wrong with the amount; only an acceptance is worth anything."""
    if told.result.disposition != "accepted":
        return told, []
    value, problems = worth.of(fee, told.entered)
    return replace(told, value=value), problems


def wrong_with(app: Countersign, told: Told, wave: WaveRow) -> list[Problem]:
    """What is missing or impossible in a result: fields of a form, or columns of a file."""
    problems, result = [], told.result
    if result.disposition == "accepted" and not told.evidence:
        problems.append(Problem("call.evidence", "name the recording or the order that proves it", at="evidence"))
    if len(told.evidence) > LONGEST_EVIDENCE:
        problems.append(
            Problem("call.long", f"longer than {LONGEST_EVIDENCE} signs", at="evidence", fields={"most": 80})
        )
    if len(told.note) > LONGEST_NOTE:
        problems.append(Problem("call.long", f"longer than {LONGEST_NOTE} signs", at="note", fields={"most": 200}))
    back = result.call_back_at
    if result.disposition == "call_back":
        if back is None:
            problems.append(Problem("call.back_missing", "say when to call again", at="call_back_at"))
        elif back <= result.at:
            problems.append(Problem("call.back_past", "that time is over", at="call_back_at"))
        elif call_scope.opens(app, wave.plan.hours, back) != back:
            hours = span(wave.plan.hours)
            problem = Problem(
                "call.back_hours", f"calls of this wave are made {hours}", at="call_back_at", fields={"hours": hours}
            )
            problems.append(problem)
    return problems


def span(hours: Hours | None) -> str:
    """The hours of a day as people write them; empty where there are none."""
    return f"{hours.opens:%H:%M}-{hours.closes:%H:%M}" if hours else ""


def record(app: Countersign, tx: Connection, case: Case, told: Sequence[tuple[CallRow, Told]], *, by: str) -> None:
    """Write these attempts of calls of one case, none of which is known. The calls are locked by the caller, after
    their waves (`lock_waves`)."""
    found = call_scope.by_id(waves.of_case(tx, case.id))
    rules = call_scope.rules_of(app, case)
    opening = {wave: _opening(app, row) for wave, row in found.items()}
    before = _standings(tx, [call for call, _ in told])
    standings = dict(before)
    notes: dict[Place, str] = {}
    newest: dict[Place, CallRow] = {}
    for call, one in sorted(told, key=lambda pair: pair[1].result.at):
        place = (call.wave, call.row)
        standings[place] = after(standings[place], one.result, rules, opening[call.wave])
        notes[place] = one.note or notes.get(place, call.note)
        newest[place] = call
    rows = [
        replace(
            newest[place],
            attempts=now.attempts,
            missed=now.missed,
            next_at=now.next_at,
            disposition=now.disposition,
            note=notes[place],
            last_at=now.last_at,
        )
        for place, now in standings.items()
    ]
    calls.enter(tx, [_attempt(call, one) for call, one in told])
    calls.settle(tx, rows, is_over={place: bool(now.outcome) for place, now in standings.items()})
    ledger.receive(tx, _receipts(before, standings))
    kept = [
        ResponseRow(call.customer, KINDS[one.result.disposition], one.result.at, one.value, f"call:{call.id}")
        for call, one in told
        if one.result.disposition in KINDS
    ]
    if kept:
        answered.keep(app, tx, case.id, kept, source="call", by=by)


def lock_waves(tx: Connection, case_id: str) -> None:
    """Lock the case's waves by call, in order; whoever writes the ledger does so first."""
    waves.lock_all(tx, call_scope.by_id(waves.of_case(tx, case_id)))


def is_barred(app: Countersign, tx: Connection, call: CallRow) -> bool:
    """Whether the customer must not be called any more: suppressed, opted out, or erased."""
    now = app.now()
    if suppression.suppressed(tx, (call.customer,), now, channel="call", case_id=call.case_id):
        return True
    return bool(forgotten.among(tx, vault(app.settings), (call.customer,)))


def end_unmade(app: Countersign, tx: Connection, rows: Sequence[CallRow], *, is_barred: bool) -> None:
    """End calls that are not made any more: of customers who opted out meanwhile, or whose time is over. Whom nobody
    tried to reach was not contacted. The calls are locked, after their wave."""
    at = app.now()
    for wave in sorted({one.wave for one in rows}):
        mine = [one for one in rows if one.wave == wave]
        untried = {one.row: SUPPRESSED if is_barred else NEVER_CALLED for one in mine if not one.attempts}
        ledger.settle(tx, wave, untried, state="suppressed" if is_barred else "failed", at=at, come_from="sent")
        reason = OPTED_OUT if is_barred else NOT_REACHED
        ledger.receive(tx, [Receipt(wave, one.row, "failed", at, reason) for one in mine if one.attempts])
        permits.release(tx, wave, sorted(one.customer for one in mine if not one.attempts))
    calls.settle(tx, rows, is_over={(one.wave, one.row): True for one in rows})


def end_outdated(app: Countersign, case: Case, row: WaveRow) -> None:
    """End the calls of a wave whose time is over; one that a caller has on the line waits for its result."""
    until = row.started_at and row.started_at + call_scope.rules_of(app, case).within.on_the_clock()
    while until is not None and until <= app.now():
        with app.db.begin() as tx:
            waves.lock(tx, row.id)
            some = calls.outdated(tx, row.id, ENDED_AT_ONCE)
            end_unmade(app, tx, some, is_barred=False)
        if len(some) < ENDED_AT_ONCE:
            return


def _opening(app: Countersign, wave: WaveRow) -> Callable[[datetime], datetime]:
    return lambda at: call_scope.opens(app, wave.plan.hours, at)


def _standings(tx: Connection, rows: Sequence[CallRow]) -> dict[Place, Standing]:
    """Where the calls stand; of those that are over the ledger says how they ended."""
    over: dict[str, list[int]] = {}
    for one in rows:
        if one.state == "ended":
            over.setdefault(one.wave, []).append(one.row)
    states = {(wave, row): state for wave, some in over.items() for row, state in ledger.states(tx, wave, some).items()}
    return {(one.wave, one.row): _standing(one, states.get((one.wave, one.row))) for one in rows}


def _standing(one: CallRow, state: str | None) -> Standing:
    standing = Standing(one.next_at, one.attempts, one.missed, one.last_at, one.disposition)
    if state is None:
        return standing
    return replace(standing, outcome="delivered" if state == "delivered" else "failed", reason=state)


def _receipts(before: Mapping[Place, Standing], standings: Mapping[Place, Standing]) -> list[Receipt]:
    found = []
    for (wave, row), now in standings.items():
        if now.outcome and now.outcome != before[wave, row].outcome:
            assert now.last_at is not None
            found.append(Receipt(wave, row, now.outcome, now.last_at, now.reason))
    return found


def _attempt(call: CallRow, told: Told) -> AttemptRow:
    result = told.result
    return AttemptRow(
        wave=call.wave,
        row=call.row,
        reference=told.reference,
        case_id=call.case_id,
        at=result.at,
        caller=told.caller,
        disposition=result.disposition,
        call_back_at=result.call_back_at,
        evidence=told.evidence,
        note=told.note,
        value=told.value,
    )
