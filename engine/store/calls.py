"""Call lists as rows: who is to be called, who has whom before them, and every attempt.

Who moves a call: it is `open` from the moment its row of the ledger counts as sent, and `ended` by a result, by the
end of its time, or by an opt-out. What left the house with its number is `out` until a result comes or the lead takes
it back: nobody here takes it meanwhile. While it is open one caller at most holds it, until a time by the database's
clock; once that caller saw the number the hold has no end, for the customer may be on the line. Every change counts
`version` up, so that whoever saw an older one changes nothing. Refuses to decide what a result means
(engine.delivery.calls).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store import bulk
from engine.store.tables import call_attempts, calls, recipients

AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class CallRow:
    """A customer to call. `held_by` is who has them before them, `shown_at` when they saw the number; `out_at` since
    when they are in a file with their numbers, and `out_by` who took it out."""

    wave: str
    row: int
    case_id: str
    customer: str
    state: str
    assigned_to: str
    held_by: str
    held_until: datetime | None
    shown_at: datetime | None
    attempts: int
    missed: int
    next_at: datetime
    disposition: str
    note: str
    last_at: datetime | None
    version: int
    out_by: str = ""
    out_at: datetime | None = None

    @property
    def id(self) -> str:
        """ "<wave>.<row>", as every message is called."""
        return f"{self.wave}.{self.row}"


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt to reach a customer. `reference` is the source's own id of it."""

    wave: str
    row: int
    reference: str
    case_id: str
    at: datetime
    caller: str
    disposition: str
    call_back_at: datetime | None = None
    evidence: str = ""
    note: str = ""
    value: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """What is open of a case's list for one person (empty: for whoever takes it), how much of it may be called here
    now, and how much of it is out in a file since when, by whom."""

    person: str
    open: int
    due: int
    out: int = 0
    out_at: datetime | None = None
    out_by: str = ""


@dataclass(frozen=True, slots=True)
class Sought:
    """Whose next call is asked for: of these waves, what is assigned to the person, and of `pool` also what is not."""

    person: str
    waves: Sequence[str]
    pool: Sequence[str]
    now: datetime
    clock: datetime


def place(tx: Connection, wave: str, *, at: datetime) -> None:
    """Put every customer of the wave who counts as sent on the call list, if not there."""
    there = sa.exists().where(calls.c.wave == recipients.c.wave, calls.c.row == recipients.c.row)
    moment = sa.literal(at, calls.c.next_at.type)
    chosen = sa.select(recipients.c.wave, recipients.c.row, recipients.c.case_id, recipients.c.customer, moment).where(
        recipients.c.wave == wave, recipients.c.state == "sent", ~there
    )
    names = ["wave", "row", "case_id", "customer", "next_at"]
    tx.execute(sa.insert(calls).from_select(names, chosen))


def find(tx: Connection, wave: str, row: int) -> CallRow | None:
    """One call."""
    found = tx.execute(sa.select(calls).where(_is(wave, row))).one_or_none()
    return CallRow(*found) if found else None


def held(tx: Connection, person: str) -> CallRow | None:
    """The call that the person has before them, also where the time for it is over and nobody has taken it since."""
    chosen = sa.select(calls).where(calls.c.held_by == person, calls.c.state == "open")
    found = tx.execute(chosen.order_by(calls.c.shown_at.is_(None), calls.c.wave, calls.c.row).limit(1)).one_or_none()
    return CallRow(*found) if found else None


def first_due(tx: Connection, sought: Sought) -> CallRow | None:
    """The next call for the person: who asked to be called back first, then what is assigned to them, then the rest."""
    mine = sa.and_(calls.c.assigned_to == sought.person, calls.c.wave.in_(sought.waves))
    free = sa.and_(calls.c.assigned_to == "", calls.c.wave.in_(sought.pool))
    back = calls.c.disposition == "call_back"
    for where in (sa.and_(back, sa.or_(mine, free)), mine, free):
        chosen = sa.select(calls).where(_due(sought.now), _is_free(sought.clock), where)
        ordered = chosen.order_by(calls.c.next_at, calls.c.wave, calls.c.row).limit(1)
        found = tx.execute(ordered).one_or_none()
        if found:
            return CallRow(*found)
    return None


def count_due(tx: Connection, sought: Sought) -> int:
    """How many calls the person could take now."""
    mine = sa.and_(calls.c.assigned_to == sought.person, calls.c.wave.in_(sought.waves))
    free = sa.and_(calls.c.assigned_to == "", calls.c.wave.in_(sought.pool))
    chosen = sa.select(sa.func.count()).select_from(calls)
    return tx.execute(chosen.where(_due(sought.now), _is_free(sought.clock), sa.or_(mine, free))).scalar_one()


def next_due(tx: Connection, sought: Sought) -> datetime | None:
    """When the first call that is not due yet becomes due."""
    mine = sa.and_(calls.c.assigned_to == sought.person, calls.c.wave.in_(sought.waves))
    free = sa.and_(calls.c.assigned_to == "", calls.c.wave.in_(sought.pool))
    chosen = sa.select(sa.func.min(calls.c.next_at, type_=calls.c.next_at.type))
    where = sa.and_(_IS_HERE, calls.c.next_at > sought.now, sa.or_(mine, free))
    found: datetime | None = tx.execute(chosen.where(where)).scalar_one()
    return found


def hold(tx: Connection, seen: CallRow, person: str, *, clock: datetime, until: datetime) -> bool:
    """Give the call to the person; False when it was changed since it was seen, or somebody else has it."""
    where = sa.and_(_as_seen(seen), _IS_HERE, _is_free(clock) | (calls.c.held_by == person))
    values = {"held_by": person, "held_until": until, "shown_at": None}
    return tx.execute(_changed(where).values(**values)).rowcount == 1


def show(tx: Connection, seen: CallRow, *, at: datetime) -> None:
    """Note that who holds the call sees the number now. The call is locked."""
    moment = sa.func.coalesce(calls.c.shown_at, sa.literal(at, calls.c.shown_at.type))
    tx.execute(_changed(_as_seen(seen)).values(shown_at=moment))


def let_go(tx: Connection, seen: CallRow, person: str) -> bool:
    """Take the call from the person who did not see the number; False when it was changed, or they did."""
    where = sa.and_(_as_seen(seen), calls.c.held_by == person, calls.c.shown_at.is_(None))
    return tx.execute(_changed(where).values(held_by="", held_until=None)).rowcount == 1


def assign(tx: Connection, case_id: str, person: str, count: int, *, clock: datetime) -> int:
    """Assign so many open calls of the case, which nobody has and which are assigned to nobody; how many there were."""
    mine = sa.and_(calls.c.case_id == case_id, calls.c.state == "open", calls.c.assigned_to == "", _is_free(clock))
    chosen = sa.select(calls.c.wave, calls.c.row).where(mine).order_by(calls.c.next_at, calls.c.wave, calls.c.row)
    some = chosen.limit(count).with_for_update().cte("some")  # a subquery would be looked up anew for each row
    same = sa.exists().where(some.c.wave == calls.c.wave, some.c.row == calls.c.row)
    return len(
        tx.execute(
            _changed(sa.and_(calls.c.case_id == case_id, same)).values(assigned_to=person).returning(calls.c.row)
        ).all()
    )


def take_back(tx: Connection, case_id: str, person: str, *, to: str = "") -> int:
    """Assign to `to` (empty: nobody) what is open for the person, and take from them what they have before them and
    what is out in a file; how many."""
    mine = sa.and_(calls.c.case_id == case_id, calls.c.state == "open")
    free = {"held_by": "", "held_until": None, "shown_at": None, "out_by": "", "out_at": None}
    others = sa.and_(mine, calls.c.held_by == person, calls.c.assigned_to != person)
    freed = tx.execute(_changed(others).values(**free)).rowcount
    assigned = sa.and_(mine, calls.c.assigned_to == person)
    return freed + tx.execute(_changed(assigned).values(assigned_to=to, **free)).rowcount


def shares(tx: Connection, case_id: str, now: datetime) -> tuple[Share, ...]:
    """What is open of the case's list, by whom it is assigned to."""
    due = sa.func.sum(sa.case((sa.and_(calls.c.next_at <= now, calls.c.out_at.is_(None)), 1), else_=0))
    newest = sa.func.max(calls.c.out_at, type_=calls.c.out_at.type)
    columns = (calls.c.assigned_to, sa.func.count(), due, sa.func.count(calls.c.out_at), newest)
    chosen = sa.select(*columns, sa.func.max(calls.c.out_by)).where(calls.c.case_id == case_id, calls.c.state == "open")
    rows = tx.execute(chosen.group_by(calls.c.assigned_to).order_by(calls.c.assigned_to))
    return tuple(Share(row[0], row[1], int(row[2]), row[3], row[4], row[5]) for row in rows)


def take_out(tx: Connection, case_id: str, rows: Sequence[CallRow], *, by: str, at: datetime) -> None:
    """Note that these calls left with their numbers. The calls are locked."""
    named = sa.and_(calls.c.wave == sa.bindparam("b_wave"), calls.c.row == sa.bindparam("b_row"))
    gone = _changed(sa.and_(calls.c.case_id == case_id, named)).values(
        out_by=by, out_at=at, held_by="", held_until=None, shown_at=None
    )
    for first in range(0, len(rows), AT_ONCE):
        bulk.run(tx, gone, [{"b_wave": one.wave, "b_row": one.row} for one in rows[first : first + AT_ONCE]])


def held_of(tx: Connection, case_id: str) -> dict[str, int]:
    """How many customers of the case each caller has before them."""
    mine = sa.and_(calls.c.case_id == case_id, calls.c.state == "open", calls.c.held_by != "")
    chosen = sa.select(calls.c.held_by, sa.func.count()).where(mine).group_by(calls.c.held_by)
    return dict(tx.execute(chosen).tuples().all())


def ends(tx: Connection, case_id: str) -> dict[str, int]:
    """How many calls of the case are over, by the disposition of their newest attempt (empty: never called)."""
    chosen = sa.select(calls.c.disposition, sa.func.count()).where(calls.c.case_id == case_id, calls.c.state == "ended")
    return dict(tx.execute(chosen.group_by(calls.c.disposition)).tuples().all())


def made(tx: Connection, case_id: str) -> dict[str, dict[str, int]]:
    """The attempts of the case by caller and disposition."""
    found: dict[str, dict[str, int]] = {}
    chosen = sa.select(call_attempts.c.caller, call_attempts.c.disposition, sa.func.count()).where(
        call_attempts.c.case_id == case_id
    )
    for caller, disposition, count in tx.execute(
        chosen.group_by(call_attempts.c.caller, call_attempts.c.disposition).order_by(call_attempts.c.caller)
    ):
        found.setdefault(caller, {})[disposition] = count
    return found


def attempts(tx: Connection, wave: str, row: int) -> tuple[AttemptRow, ...]:
    """The attempts to reach one customer, the oldest first."""
    mine = (call_attempts.c.wave == wave) & (call_attempts.c.row == row)
    chosen = sa.select(call_attempts).where(mine).order_by(call_attempts.c.at, call_attempts.c.reference)
    return tuple(AttemptRow(*found) for found in tx.execute(chosen))


def references(tx: Connection, case_id: str) -> frozenset[tuple[str, int, str]]:
    """Wave, row and reference of every attempt of the case."""
    chosen = sa.select(call_attempts.c.wave, call_attempts.c.row, call_attempts.c.reference)
    return frozenset(tx.execute(chosen.where(call_attempts.c.case_id == case_id)).tuples())


def named(tx: Connection, case_id: str, customers: Sequence[str]) -> dict[str, CallRow]:
    """The calls of these customers in the case, locked until the transaction ends."""
    found: dict[str, CallRow] = {}
    for first in range(0, len(customers), AT_ONCE):
        some = customers[first : first + AT_ONCE]
        chosen = sa.select(calls).where(calls.c.case_id == case_id, calls.c.customer.in_(some))
        for row in tx.execute(chosen.order_by(calls.c.wave, calls.c.row).with_for_update()):
            found[row.customer] = CallRow(*row)
    return found


def of_case(
    tx: Connection, case_id: str, *, person: str | None = None, free_at: datetime | None = None
) -> Iterable[CallRow]:
    """The open calls of a case in order, streamed; `person`: only those assigned to them; `free_at`: only those that
    nobody has before them by that moment of the database's clock."""
    mine = sa.and_(calls.c.case_id == case_id, calls.c.state == "open")
    if person is not None:
        mine = sa.and_(mine, calls.c.assigned_to == person)
    if free_at is not None:
        mine = sa.and_(mine, _is_free(free_at))
    chosen = sa.select(calls).where(mine).order_by(calls.c.wave, calls.c.row)
    for row in tx.execute(chosen.execution_options(yield_per=AT_ONCE)):
        yield CallRow(*row)


def outdated(tx: Connection, wave: str, limit: int) -> tuple[CallRow, ...]:
    """Open calls of the wave that nobody has before them, locked; `limit` at most."""
    chosen = sa.select(calls).where(calls.c.wave == wave, calls.c.state == "open", calls.c.shown_at.is_(None))
    return tuple(CallRow(*row) for row in tx.execute(chosen.order_by(calls.c.row).limit(limit).with_for_update()))


def settle(tx: Connection, rows: Sequence[CallRow], *, is_over: Mapping[tuple[str, int], bool]) -> None:
    """Write where these calls stand after new attempts; nobody holds them any more."""
    changed = (
        sa.update(calls)
        .where(calls.c.wave == sa.bindparam("b_wave"), calls.c.row == sa.bindparam("b_row"))
        .values(
            state=sa.bindparam("b_state"),
            held_by="",
            held_until=None,
            shown_at=None,
            out_by="",
            out_at=None,
            attempts=sa.bindparam("b_attempts"),
            missed=sa.bindparam("b_missed"),
            next_at=sa.bindparam("b_next_at"),
            disposition=sa.bindparam("b_disposition"),
            note=sa.bindparam("b_note"),
            last_at=sa.bindparam("b_last_at"),
            version=calls.c.version + 1,
        )
    )
    names = ("wave", "row", "attempts", "missed", "next_at", "disposition", "note", "last_at")
    for first in range(0, len(rows), AT_ONCE):
        values: list[dict[str, Any]] = [
            {f"b_{name}": getattr(one, name) for name in names}
            | {"b_state": "ended" if is_over[one.wave, one.row] else "open"}
            for one in rows[first : first + AT_ONCE]
        ]
        bulk.run(tx, changed, values)


def enter(tx: Connection, attempts_made: Sequence[AttemptRow]) -> None:
    """Write attempts that are not there."""
    columns = call_attempts.columns.keys()
    for first in range(0, len(attempts_made), AT_ONCE):
        some = attempts_made[first : first + AT_ONCE]
        bulk.run(tx, sa.insert(call_attempts), [{name: getattr(one, name) for name in columns} for one in some])


_IS_HERE = sa.and_(calls.c.state == "open", calls.c.out_at.is_(None))
"""Open, and not out of the house in a file."""


def _changed(where: sa.ColumnElement[bool]) -> sa.Update:
    return sa.update(calls).where(where).values(version=calls.c.version + 1)


def _is(wave: str, row: int) -> sa.ColumnElement[bool]:
    return sa.and_(calls.c.wave == wave, calls.c.row == row)


def _as_seen(seen: CallRow) -> sa.ColumnElement[bool]:
    return sa.and_(_is(seen.wave, seen.row), calls.c.version == seen.version)


def _due(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(_IS_HERE, calls.c.next_at <= now)


def _is_free(clock: datetime) -> sa.ColumnElement[bool]:
    over = sa.and_(calls.c.shown_at.is_(None), calls.c.held_until <= clock)
    return sa.or_(calls.c.held_by == "", over)
