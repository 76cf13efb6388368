"""Suppression lists (黑名单、灰名单) kept by administrators: looked up by customer, added with a reason and an end,
ended with a reason, imported from a file. Every change says who made it.

An entry holds from the moment it is made, also for waves that run. Refuses an entry without a reason, and tells nobody
the whole list.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import cast, get_args

from sqlalchemy import Connection, Row

from engine.errors import InvalidFile, InvalidForm, NotFound, Problem
from engine.masking import masked
from engine.organisation import Organisation
from engine.service import forgotten, sheets
from engine.service.app import Countersign
from engine.service.recording import By, changing
from engine.service.sealing import vault
from engine.store import cases, opt_outs, suppression, trail
from engine.store.suppression import Suppression, SuppressionList
from engine.warehouse.addresses import ERASED

CUSTOMER = re.compile(r"[^\s\x00-\x1f]{1,60}")
CHANNEL = re.compile(r"[a-z][a-z_]{0,19}|")
COLUMNS = ("list", "customer", "reason", "channel", "expires")
LONGEST_REASON = 200
LISTS = get_args(SuppressionList)


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry of a list. `until` is the moment from which it holds no more; None where it has no end."""

    list: SuppressionList
    customer: str
    channel: str
    reason: str
    by: str
    since: datetime
    until: datetime | None
    in_force: bool


@dataclass(frozen=True, slots=True)
class OptOutView:
    """How a customer opted out: over what (`source`), of which case's message (its number, empty where none is known),
    and of which channel (empty: of every one)."""

    source: str
    case: str
    channel: str
    at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a customer: entries and opt-outs, also those that ended, and who changed what. `masked` is what
    a page shows of the customer; who asked has typed the whole."""

    customer: str
    masked: str
    entries: tuple[EntryView, ...]
    opt_outs: tuple[OptOutView, ...]
    changes: tuple[trail.Entry, ...]


def look_up(app: Countersign, by: By, customer: str) -> Found:
    """The entries of one customer."""
    by.authorize("suppressions.manage")
    now = app.now()
    with app.db.read() as tx:
        organisation = app.organisation(tx)
        return Found(
            customer,
            masked(customer),
            of_customer(tx, organisation, customer, now),
            _opt_outs(tx, customer),
            trail.about(tx, _subject(customer)),
        )


def of_customer(tx: Connection, organisation: Organisation, customer: str, now: datetime) -> tuple[EntryView, ...]:
    """The entries of one customer, for whoever may see the customer."""
    rows = suppression.of_customer(tx, customer)
    return tuple(_view(row, organisation.name(row.added_by), now) for row in rows)


def counts(app: Countersign, by: By) -> dict[str, int]:
    """How many entries of each list are in force."""
    by.authorize("suppressions.manage")
    with app.db.read() as tx:
        return suppression.counts(tx, app.now())


def add(app: Countersign, by: By, *, kind: str, customer: str, reason: str, channel: str = "", last: str = "") -> None:
    """Put a customer on a list until the end of the day `last` (empty: for good). InvalidForm names wrong fields.

    Who is on it already gets the new reason and end.
    """
    now = app.now()
    problems, until = _wrong(kind, customer, reason, channel), None
    try:
        until = _end_of(app, last)
        if until is not None and until <= now:
            problems.append(Problem("expires_past", "that day is over", at="last"))
    except ValueError:
        problems.append(Problem("form.not_date", f"{last} is not a day", at="last", fields={"value": last}))
    if problems:
        raise InvalidForm(problems)
    entry = Suppression(cast("SuppressionList", kind), customer.strip(), reason.strip(), channel, until)
    with changing(app, by, "suppressions.manage") as change:
        _refuse_erased(app, change.tx, [entry.customer])
        suppression.add(change.tx, [entry], by=by.person, at=change.now)
        told = {"list": kind, "channel": channel, "until": until.isoformat() if until else None}
        change.note("suppression_added", _subject(entry.customer), after=told, reason=entry.reason)


def end(app: Countersign, by: By, *, kind: str, customer: str, channel: str, reason: str) -> None:
    """End an entry now, with a reason. NotFound where none is in force; twice is told so."""
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise InvalidForm([Problem("reason_missing", "say why", at="reason")])
    if kind not in LISTS or customer.startswith(ERASED):
        raise NotFound()
    with changing(app, by, "suppressions.manage") as change:
        if change.done_before():
            return
        listed = cast("SuppressionList", kind)
        if not suppression.expire(change.tx, listed, customer, at=change.now, channel=channel):
            raise NotFound()
        if listed == "black":
            opt_outs.end(change.tx, customer, channel, at=change.now)
        told = {"list": kind, "channel": channel}
        change.note("suppression_ended", _subject(customer), before=told, reason=reason.strip())


def load(app: Countersign, by: By, data: bytes, name: str) -> int:
    """Put the customers of a file on lists (columns list,customer,reason and perhaps channel,expires); how many.

    Raises InvalidFile with every wrong row, and then adds none.
    """
    by.authorize("suppressions.manage")
    sheet = sheets.read(data, name)
    if not {"list", "customer", "reason"} <= set(sheet.headings) <= set(COLUMNS):
        told = f"the columns are {','.join(COLUMNS)}"
        fields = {"columns": ",".join(COLUMNS)}
        raise InvalidFile([Problem("sheet.columns", told, line=1, column=1, file=name, fields=fields)])
    entries: dict[tuple[str, str, str], Suppression] = {}
    problems: list[Problem] = []
    for line in sheet.lines:
        row = dict.fromkeys(COLUMNS, "") | dict(zip(sheet.headings, line.cells, strict=True))
        wrong = _wrong(row["list"], row["customer"], row["reason"], row["channel"])
        until = None
        try:
            until = _end_of(app, row["expires"])
        except ValueError:
            wrong.append(Problem("form.not_date", "not a day", at="expires", fields={"value": row["expires"]}))
        key = (row["list"], row["customer"], row["channel"])
        if key in entries:
            wrong.append(
                Problem("suppression_twice", "it stands twice", at="customer", fields={"value": row["customer"]})
            )
        problems += [_at(one, sheet, line.number) for one in wrong]
        entries[key] = Suppression(cast("SuppressionList", key[0]), key[1], row["reason"], key[2], until)
    with app.db.read() as tx:
        erased = forgotten.among(tx, vault(app.settings), [key[1] for key in entries])
    place = sheet.headings.index("customer")
    problems += [_at(_erased(), sheet, line.number) for line in sheet.lines if line.cells[place] in erased]
    if problems:
        raise InvalidFile(problems)
    with changing(app, by, "suppressions.manage") as change:
        count = suppression.add(change.tx, entries.values(), by=by.person, at=change.now)
        change.note("suppressions_imported", sheet.name[:80], after={"entries": count})
    return count


def _opt_outs(tx: Connection, customer: str) -> tuple[OptOutView, ...]:
    told = opt_outs.of_customer(tx, customer)
    numbers = cases.numbers(tx, {one.case_id for one in told})
    return tuple(OptOutView(t.source, numbers.get(t.case_id, ""), t.channel, t.at, t.ended_at) for t in told)


def _view(row: Row[tuple[object, ...]], by: str, now: datetime) -> EntryView:
    in_force = row.expires_at is None or row.expires_at > now
    return EntryView(row.list, row.customer, row.channel, row.reason, by, row.added_at, row.expires_at, in_force)


def _wrong(kind: str, customer: str, reason: str, channel: str) -> list[Problem]:
    problems = []
    if kind not in LISTS:
        problems.append(Problem("suppression_list", "the lists are black and grey", at="list"))
    if not CUSTOMER.fullmatch(customer.strip()):
        problems.append(Problem("customer_id", "a customer is 1 to 60 signs without spaces", at="customer"))
    if not reason.strip() or len(reason) > LONGEST_REASON:
        problems.append(Problem("reason_missing", "say why", at="reason"))
    if not CHANNEL.fullmatch(channel):
        problems.append(Problem("channel_name", "this is no channel", at="channel"))
    return problems


def _refuse_erased(app: Countersign, tx: Connection, customers: list[str]) -> None:
    """Nothing is kept of who was erased: they are on the black list for good."""
    if forgotten.among(tx, vault(app.settings), customers):
        raise InvalidForm([_erased()])


def _erased() -> Problem:
    return Problem("D190", "this customer was erased on request, and is never contacted", at="customer")


def _at(problem: Problem, sheet: sheets.Sheet, line: int) -> Problem:
    column = sheet.headings.index(problem.at) + 1 if problem.at in sheet.headings else 1
    return Problem(
        problem.code, problem.message, problem.hint, problem.at, line, column, sheet.name, fields=problem.fields
    )


def _end_of(app: Countersign, last: str) -> datetime | None:
    if not last:
        return None
    return datetime.combine(date.fromisoformat(last) + timedelta(days=1), time(), app.settings.zone)


def _subject(customer: str) -> str:
    return f"customer {customer}"
