"""The lead's view of a call list: how far it is, who has what, who is to call whom; the list as a file.

Assigning moves open calls that nobody has before them; taking back also frees what a caller has before them, which is
the lead's word that nobody is on the line. Refuses numbers in a file without a reason, and of calls that anybody in the
house could take at the same time: only what is assigned to one person leaves with its numbers, and is out then: nobody
takes it here until its results come or the lead takes it back.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from engine.delivery.channels import Call
from engine.errors import InvalidForm, NotFound, Problem
from engine.machine.case import Case
from engine.masking import masked
from engine.service import call_results, call_scope, forgotten, sheets
from engine.service.app import Countersign
from engine.service.authorizing import Action
from engine.service.letters import letters_of
from engine.service.recording import By, Change, changing
from engine.service.sealing import vault
from engine.store import calls, cases, ledger, suppression, visibility, waves
from engine.store.calls import CallRow
from engine.store.ledger import Sums
from engine.store.session import database_now

LEADS: Action = "calls.lead"
COLUMNS = ("wave", "case", "customer", "phone", "script", "attempts", "next_at", "disposition", "note")
LONGEST_REASON = 200
MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class CallerView:
    """One caller of a case: what is assigned to them and due, what they have before them, what they have done.
    `person` is empty for what is assigned to nobody. `calls_here`: they take calls of this case. `out`: of what is
    assigned to them so many are out in a file, which `out_by` took last, at `out_at`."""

    person: str
    name: str
    open: int
    due: int
    held: int
    made: int
    reached: int
    accepted: int
    calls_here: bool
    out: int = 0
    out_at: datetime | None = None
    out_by: str = ""


@dataclass(frozen=True, slots=True)
class ListView:
    """The call list of a case. `ended` counts calls that are over by their last disposition, empty where nobody was
    called; `sums` are the ledger's."""

    case_id: str
    case_number: str
    title: str
    state: str
    audience: int
    open: int
    due: int
    attempts: int
    sums: Sums
    ended: dict[str, int]
    made: dict[str, int]
    callers: tuple[CallerView, ...]


@dataclass(frozen=True, slots=True)
class CallFile:
    """A call list as a file, with its sha256 and how many customers are in it."""

    data: bytes
    name: str
    sha256: str
    rows: int


def listed(app: Countersign, by: By) -> tuple[ListView, ...]:
    """The call lists that who asks leads, of cases under way."""
    by.authorize(LEADS)
    with app.db.read() as tx:
        organisation = app.organisation(tx)
        found = []
        for case_id in waves.cases_under_way(tx):
            if not any(row.channel == Call.name for row in waves.of_case(tx, case_id)):
                continue
            if by.viewer is not None and not visibility.may_see(tx, by.person, case_id):
                continue
            case = cases.load(tx, case_id)
            if call_scope.leads(organisation, by, case):
                found.append(_view(app, tx, case))
    return tuple(found)


def view(app: Countersign, by: By, name: str) -> ListView:
    """The call list of a case. NotFound where there is none, or who asks does not lead it."""
    by.authorize(LEADS)
    with app.db.read() as tx:
        return _view(app, tx, _case(app, tx, by, name))


def assign(app: Countersign, by: By, name: str, *, person: str, count: int) -> int:
    """Assign so many open calls of the case, which are assigned to nobody, to the person; how many there were."""
    if not 1 <= count <= MOST:
        raise InvalidForm([Problem("call.count", "write how many calls, 1 or more", at="count")])
    with changing(app, by, LEADS) as change:
        if change.done_before():
            return 0
        case = _case(app, change.tx, by, name)
        _caller(change, person)
        call_results.lock_waves(change.tx, case.id)
        moved = calls.assign(change.tx, case.id, person, count, clock=database_now(change.tx))
        change.note("calls_assigned", _subject(case), after={"to": person, "calls": moved})
    return moved


def share_out(app: Countersign, by: By, name: str) -> int:
    """Divide what is assigned to nobody among those who call for the case's office, evenly; how many calls."""
    with changing(app, by, LEADS) as change:
        if change.done_before():
            return 0
        tx, case = change.tx, _case(app, change.tx, by, name)
        people = call_scope.callers(change.organisation, case)
        if not people:
            raise InvalidForm([Problem("call.nobody", "nobody calls for this office; give somebody the role caller")])
        call_results.lock_waves(tx, case.id)
        free = sum(one.open for one in calls.shares(tx, case.id, change.now) if not one.person)
        moved = {}
        for place, person in enumerate(people):
            part = free * (place + 1) // len(people) - free * place // len(people)
            moved[person] = calls.assign(tx, case.id, person, part, clock=database_now(tx)) if part else 0
        change.note("calls_assigned", _subject(case), after={"to": moved})
    return sum(moved.values())


def take_back(app: Countersign, by: By, name: str, *, person: str, to: str = "") -> int:
    """Take from the person whatever is open of the case, also what they have before them, and assign it to another
    (`to`) or to nobody; how many calls."""
    with changing(app, by, LEADS) as change:
        if change.done_before():
            return 0
        case = _case(app, change.tx, by, name)
        if to:
            _caller(change, to)
        call_results.lock_waves(change.tx, case.id)
        moved = calls.take_back(change.tx, case.id, person, to=to)
        change.note("calls_taken_back", _subject(case), after={"from": person, "to": to, "calls": moved})
    return moved


def export(app: Countersign, by: By, name: str, *, person: str = "", reason: str = "") -> CallFile:
    """The open calls of the case as CSV, or those assigned to `person`; with a reason their numbers in full, which is
    recorded, and then they are out: nobody takes them here. Customers who opted out meanwhile are left out, and of a
    file with numbers whom a caller has before them."""
    if len(reason) > LONGEST_REASON:
        raise InvalidForm([Problem("reason_missing", "say why", at="reason")])
    if reason.strip() and not person:
        told = "with their numbers only the calls of one person leave; choose whose"
        raise InvalidForm([Problem("call.whose", told, at="person")])
    with changing(app, by, LEADS) as change:
        case = _case(app, change.tx, by, name)
        is_leaving = bool(reason.strip())
        if is_leaving:
            call_results.lock_waves(change.tx, case.id)
        free_at = database_now(change.tx) if is_leaving else None
        rows = tuple(calls.of_case(change.tx, case.id, person=person or None, free_at=free_at))
        barred = suppression.suppressed(
            change.tx, [one.customer for one in rows], change.now, channel=Call.name, case_id=case.id
        )
        barred |= forgotten.among(change.tx, vault(app.settings), [one.customer for one in rows])
        rows = tuple(one for one in rows if one.customer not in barred)
        lines = _lines(app, change.tx, case, rows, in_full=is_leaving)
        data = sheets.write("csv", COLUMNS, lines, title="calls")
        digest = hashlib.sha256(data).hexdigest()
        facts = {"calls": len(rows), "of": person, "sha256": digest, "numbers": is_leaving}
        if is_leaving:
            calls.take_out(change.tx, case.id, rows, by=change.by.person, at=change.now)
        change.note("calls_exported", _subject(case), after=facts, reason=reason.strip())
    return CallFile(data, f"calls-{case.number or case.id}.csv", digest, len(rows))


def _lines(
    app: Countersign, tx: Connection, case: Case, rows: tuple[CallRow, ...], *, in_full: bool
) -> list[list[str]]:
    found, box = [], vault(app.settings)
    wanted: dict[str, set[int]] = {}
    for one in rows:
        wanted.setdefault(one.wave, set()).add(one.row)
    letters = letters_of(app, call_scope.by_id(waves.of_case(tx, case.id)).values(), wanted)
    for one in rows:
        letter = letters[one.wave, one.row]
        phone = box.open(letter.address)
        cells = [one.wave, case.number or case.id, one.customer, phone if in_full else masked(phone), letter.text]
        at = one.next_at.astimezone(app.settings.zone).isoformat(timespec="minutes")
        found.append([*cells, str(one.attempts), at, one.disposition, one.note])
    return found


def _case(app: Countersign, tx: Connection, by: By, name: str) -> Case:
    case = call_scope.led(app, tx, by, name)
    if not call_scope.by_id(waves.of_case(tx, case.id)):
        raise NotFound()
    return case


def _caller(change: Change, person: str) -> None:
    organisation = change.organisation
    if not organisation.is_active(person) or not any(
        one.role == call_scope.CALLER for one in organisation.held(person)
    ):
        told = f"{person[:40]} is nobody with the role caller"
        raise InvalidForm([Problem("call.no_caller", told, at="person", fields={"names": person[:40]})])


def _view(app: Countersign, tx: Connection, case: Case) -> ListView:
    now, organisation = app.now(), app.organisation(tx)
    made = calls.made(tx, case.id)
    shares = {one.person: one for one in calls.shares(tx, case.id, now)}
    held = calls.held_of(tx, case.id)
    here = call_scope.callers(organisation, case)
    rows = []
    for person in sorted({*shares, *held, *here, *made} - {""}, key=lambda one: (one not in here, one)):
        share = shares.get(person)
        done = made.get(person, {})
        rows.append(
            CallerView(
                person=person,
                name=organisation.name(person),
                open=share.open if share else 0,
                due=share.due if share else 0,
                held=held.get(person, 0),
                made=sum(done.values()),
                reached=sum(done.get(one, 0) for one in ("accepted", "interested", "refused", "call_back", "opt_out")),
                accepted=done.get("accepted", 0),
                calls_here=person in here,
                out=share.out if share else 0,
                out_at=share.out_at if share else None,
                out_by=organisation.name(share.out_by) if share and share.out_by else "",
            )
        )
    free = shares.get("")
    sums = ledger.sums(tx, case.id)
    mine = [sums.get(wave, Sums()) for wave in call_scope.by_id(waves.of_case(tx, case.id))]
    total: dict[str, int] = {}
    for done in made.values():
        for disposition, count in done.items():
            total[disposition] = total.get(disposition, 0) + count
    nobody = CallerView("", "", free.open, free.due, 0, 0, 0, 0, calls_here=True) if free else None
    return ListView(
        case_id=case.id,
        case_number=case.number or "",
        title=str(case.form.get("title") or ""),
        state=case.state,
        audience=sum(one.audience for one in mine),
        open=sum(one.open for one in shares.values()),
        due=sum(one.due for one in shares.values()),
        attempts=sum(total.values()),
        sums=_added(mine),
        ended=calls.ends(tx, case.id),
        made=total,
        callers=((nobody,) if nobody else ()) + tuple(rows),
    )


def _added(sums: list[Sums]) -> Sums:
    names = Sums.__dataclass_fields__
    return Sums(**{name: sum(getattr(one, name) for one in sums) for name in names})


def _subject(case: Case) -> str:
    return f"case {case.number or case.id}"
