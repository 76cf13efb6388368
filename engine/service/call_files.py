"""Results of calls that were made elsewhere, from a CSV or XLSX file of a call centre.

One row per attempt: `case` (number) or `wave`, `customer`, `at`, `disposition`, and perhaps `note`, `evidence`,
`call_back_at`, `caller`, `reference`, `value` (what was accepted is worth per month, where the offer has no fee).
Good rows count, every other one is named by line, column and reason; rows about
cases or customers that are in no call list here are parked for a person to look at. The same rows again change nothing.
Refuses to take a result of a case whose list the importer does not lead: such a row is parked like one of a case that
there is not.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import cast

import msgspec
from sqlalchemy import Connection

from engine.delivery.calls import DISPOSITIONS, Disposition, Result
from engine.errors import InvalidFile, NotFound, Problem
from engine.machine.case import Case
from engine.service import call_results, call_scope, inbound, sheets
from engine.service.app import Countersign
from engine.service.call_lists import LEADS
from engine.service.call_results import Told
from engine.service.calling import read_moment
from engine.service.optouts import takes_answers
from engine.service.recording import By, Change, changing
from engine.store import calls, parked, waves
from engine.store.parked import Parked
from engine.store.waves import WaveRow
from engine.warehouse.rows import BadRow

NEEDED = ("customer", "at", "disposition")
POSSIBLE = ("case", "wave", *NEEDED, "note", "evidence", "call_back_at", "caller", "reference", "value")
LONGEST = {"customer": 60, "caller": 40, "reference": 70}
PARKED = "no such call"
SKEW = timedelta(minutes=5)
"""So far another clock may go before ours."""


@dataclass(frozen=True, slots=True)
class CallsReport:
    """What became of a file of `rows` rows: `recorded` attempts are new, `known` were there, `parked` rows are about
    customers who are in no call list here, `bad` rows were left out."""

    rows: int
    recorded: int
    known: int
    parked: tuple[BadRow, ...]
    bad: tuple[BadRow, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: Mapping[str, str]
    told: Told


@dataclass(slots=True)
class _Reading:
    """A file under way: rows by the case that they name, and what is wrong with others."""

    app: Countersign
    sheet: sheets.Sheet
    by_case: dict[str, list[_Row]] = field(default_factory=dict)
    parked: list[BadRow] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    recorded: int = 0
    known: int = 0

    def wrong(self, line: int, problem: Problem) -> None:
        """Leave a row out."""
        self.bad.append(BadRow(line, problem.at, problem.message, problem.code, problem.fields))

    def park(self, row: _Row, column: str, code: str, reason: str) -> None:
        """Set a row aside for a person."""
        value = row.cells[column][:60]
        self.parked.append(BadRow(row.line, column, f"{value!r} {reason}", code, {"value": value}))
        self.bodies.append(msgspec.json.encode({"call": {k: v for k, v in row.cells.items() if v}}).decode())


def load(app: Countersign, by: By, data: bytes, name: str) -> CallsReport:
    """Take in a file of results, in one transaction; sent again it changes nothing. InvalidFile where its columns are
    others."""
    by.authorize(LEADS)
    reading = _Reading(app, sheets.read(data, name))
    _check_columns(reading.sheet)
    _read(reading)
    with changing(app, by, LEADS) as change:
        for case_name, rows in reading.by_case.items():
            _take_in(change, reading, by, case_name, rows)
        strange = {inbound.digest(one): one for one in reading.bodies}
        known = parked.there(change.tx, "receipt", tuple(strange))
        fresh = [Parked("receipt", key, body, PARKED) for key, body in strange.items() if key not in known]
        parked.park(change.tx, fresh, change.now)
        if reading.recorded or fresh:
            told = {"attempts": reading.recorded, "parked": len(fresh)}
            change.note("calls_imported", reading.sheet.name[:80], after=told)
    return CallsReport(
        rows=len(reading.sheet.lines),
        recorded=reading.recorded,
        known=reading.known,
        parked=tuple(sorted(reading.parked, key=_place)),
        bad=tuple(sorted(reading.bad, key=_place)),
    )


def _place(row: BadRow) -> tuple[int, str]:
    return row.line, row.column


def _check_columns(sheet: sheets.Sheet) -> None:
    headings = set(sheet.headings)
    if not set(NEEDED) <= headings <= set(POSSIBLE) or not headings & {"case", "wave"}:
        told = f"the columns are {','.join(POSSIBLE)}"
        fields = {"columns": ",".join(POSSIBLE)}
        raise InvalidFile([Problem("sheet.columns", told, line=1, column=1, file=sheet.name, fields=fields)])


def _read(reading: _Reading) -> None:
    moment = cache(lambda text: read_moment(reading.app, text))
    now = reading.app.now()
    blank = dict.fromkeys(POSSIBLE, "")
    for line in reading.sheet.lines:
        cells = {**blank, **dict(zip(reading.sheet.headings, line.cells, strict=True))}
        problems = list(_problems(cells, moment, now))
        if problems:
            for one in problems:
                reading.wrong(line.number, one)
            continue
        back = moment(cells["call_back_at"]) if cells["call_back_at"] else None
        result = Result(cast("Disposition", cells["disposition"]), moment(cells["at"]), back)
        caller = cells["caller"] or "import"
        told = Told(result, caller, _reference(cells, result), cells["evidence"], cells["note"], cells["value"])
        case_name = cells["case"] or cells["wave"].rpartition("-w")[0]
        reading.by_case.setdefault(case_name, []).append(_Row(line.number, cells, told))


def _problems(cells: Mapping[str, str], moment: Callable[[str], datetime], now: datetime) -> Iterator[Problem]:
    if not cells["case"] and not cells["wave"]:
        yield Problem("row.blank", "is blank", at="case")
    for name in NEEDED:
        if not cells[name]:
            yield Problem("row.blank", "is blank", at=name)
    for name, most in LONGEST.items():
        if len(cells[name]) > most:
            yield Problem("call.long", f"longer than {most} signs", at=name, fields={"most": most})
    if cells["disposition"] and cells["disposition"] not in DISPOSITIONS:
        possible = ", ".join(DISPOSITIONS)
        fields = {"value": cells["disposition"][:40], "possible": possible}
        yield Problem("row.value", f"{fields['value']!r} is none of {possible}", at="disposition", fields=fields)
    for name in ("at", "call_back_at"):
        try:
            if cells[name] and moment(cells[name]) > now + SKEW and name == "at":
                yield Problem("call.future", "lies in the future", at=name)
        except ValueError:
            value = cells[name][:40]
            told = f"{value!r} is not a time; write 2026-11-30T15:00"
            yield Problem("call.not_time", told, at=name, fields={"value": value})


def _reference(cells: Mapping[str, str], result: Result) -> str:
    if cells["reference"]:
        return f"file:{cells['reference']}"
    words = f"{cells['customer']}\n{result.at.isoformat()}\n{result.disposition}"
    return f"row:{hashlib.sha256(words.encode()).hexdigest()[:32]}"


def _take_in(change: Change, reading: _Reading, by: By, case_name: str, rows: list[_Row]) -> None:
    """The rows that name one case."""
    tx, app = change.tx, reading.app
    try:
        case = call_scope.led(app, tx, by, case_name)
    except NotFound:
        for row in rows:
            column = "case" if row.cells["case"] else "wave"
            reading.park(row, column, "call.no_case", "is no case whose call list you lead")
        return
    if not takes_answers(case):
        for row in rows:
            reading.wrong(row.line, Problem("call.closed", "the case takes no results any more", at="case"))
        return
    call_results.lock_waves(tx, case.id)
    fresh = list(_fresh(reading, tx, case, rows))
    call_results.record(app, tx, case, fresh, by=by.person)
    reading.recorded += len(fresh)


def _fresh(reading: _Reading, tx: Connection, case: Case, rows: list[_Row]) -> Iterator[tuple[calls.CallRow, Told]]:
    """The attempts that are not known, each with its call."""
    there = calls.named(tx, case.id, sorted({row.cells["customer"] for row in rows}))
    known = set(calls.references(tx, case.id))
    found: Mapping[str, WaveRow] = call_scope.by_id(waves.of_case(tx, case.id))
    accepting = {row.cells["customer"] for row in rows if row.told.result.disposition == "accepted"} & there.keys()
    fees = call_results.fees_of(reading.app, tx, case, [there[one] for one in sorted(accepting)]) if accepting else {}
    for row in rows:
        call = there.get(row.cells["customer"])
        if call is None or row.cells["wave"] not in ("", call.wave):
            column = "wave" if call is not None else "customer"
            reading.park(row, column, "call.no_call", "is not in the call list of this case")
            continue
        told, problems = call_results.valued(row.told, fees.get((call.wave, call.row)))
        if problems := [*call_results.wrong_with(reading.app, told, found[call.wave]), *problems]:
            for one in problems:
                reading.wrong(row.line, one)
            continue
        place = (call.wave, call.row, row.told.reference)
        if place in known:
            reading.known += 1
            continue
        known.add(place)
        yield call, told
