"""The ledger of budgets (预算): an entry moves an amount from one side of an account to another, as two lines.

An entry with a key that was used does nothing. Balances stand beside the lines and change in the same transaction;
constraints of the database refuse one below nothing, whoever comes first. Refuses to change or remove a line.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import (
    budget_accounts,
    budget_cases,
    budget_postings,
    budget_versions,
    cases,
    chunks,
    organisation,
    waves,
)
from engine.store.versions import Proposed, Versions

Side = Literal["approved", "available", "reserved", "committed", "actual"]
SIDES: tuple[Side, ...] = ("approved", "available", "reserved", "committed", "actual")
HELD: tuple[Side, ...] = ("reserved", "committed", "actual")
MILLION = 1_000_000
NONE = Decimal()


class Short(Exception):
    """A side has less than an entry takes from it. Nothing of the entry is written once the transaction is over."""

    def __init__(self, side: Side, left: Decimal) -> None:
        self.side, self.left = side, left
        super().__init__(f"{left} is left of {side}")


@dataclass(frozen=True, slots=True)
class BudgetRow(Proposed):
    """What an office may spend in a year, as two persons set it."""

    account: str
    amount: Decimal


BUDGETS = Versions(budget_versions, BudgetRow, lambda row: {"amount": money(row["amount"])})


@dataclass(frozen=True, slots=True)
class Account:
    """A budget and where its money is. `approved` is the sum of the other four."""

    key: str
    office: str
    year: int
    currency: str
    approved: Decimal = NONE
    available: Decimal = NONE
    reserved: Decimal = NONE
    committed: Decimal = NONE
    actual: Decimal = NONE


@dataclass(frozen=True, slots=True)
class Holding:
    """What a case holds of an account; `released` is what it gave back in all."""

    case_id: str
    account: str
    reserved: Decimal = NONE
    committed: Decimal = NONE
    actual: Decimal = NONE
    released: Decimal = NONE

    @property
    def held(self) -> Decimal:
        """What it keeps from others."""
        return self.reserved + self.committed + self.actual


@dataclass(frozen=True, slots=True)
class Entry:
    """An amount that moves; `key` is used once. Without a case it is the budget itself that changes."""

    key: str
    account: str
    come_from: Side
    to: Side
    amount: Decimal
    occasion: str
    actor: str
    case_id: str = ""
    wave: str = ""


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of an entry."""

    id: int
    key: str
    side: Side
    amount: Decimal
    occasion: str
    case_id: str
    wave: str
    at: datetime
    actor: str


def account_key(office: str, year: int, currency: str) -> str:
    """The key of an account."""
    return f"{office}:{year}:{currency}"


def open_account(tx: Connection, office: str, year: int, currency: str) -> Account:
    """The account of an office, made where there is none; raises the organisation's revision then, so that every
    transition knows of it."""
    key = account_key(office, year, currency)
    row = {"key": key, "office": office, "year": year, "currency": currency}
    if tx.execute(inserting(tx, budget_accounts).values(row).on_conflict_do_nothing()).rowcount:
        tx.execute(sa.update(organisation).values(revision=organisation.c.revision + 1))
    found = find(tx, key)
    assert found is not None
    return found


def keys(tx: Connection) -> frozenset[str]:
    """The keys of all accounts."""
    return frozenset(tx.execute(sa.select(budget_accounts.c.key)).scalars())


def find(tx: Connection, key: str, *, lock: bool = False) -> Account | None:
    """An account; locked until the transaction ends where it is asked for."""
    query = sa.select(budget_accounts).where(budget_accounts.c.key == key)
    row = tx.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return None if row is None else _account(row)


def accounts(tx: Connection, offices: Iterable[str] | None = None) -> tuple[Account, ...]:
    """All accounts, or those of some offices; the newest year first."""
    query = sa.select(budget_accounts).order_by(
        budget_accounts.c.year.desc(), budget_accounts.c.office, budget_accounts.c.currency
    )
    if offices is not None:
        query = query.where(budget_accounts.c.office.in_(sorted(offices)))
    return tuple(_account(row) for row in tx.execute(query).mappings())


def waiting(tx: Connection) -> tuple[BudgetRow, ...]:
    """The versions that wait for a second person."""
    query = sa.select(budget_versions).where(budget_versions.c.decision == "").order_by(budget_versions.c.account)
    return BUDGETS.rows(tx, query)


def holding(tx: Connection, case_id: str, account: str, *, lock: bool = False) -> Holding:
    """What a case holds of an account, nothing where it never held any."""
    query = sa.select(budget_cases).where(budget_cases.c.case_id == case_id, budget_cases.c.account == account)
    row = tx.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return Holding(case_id, account) if row is None else _holding(row)


def of_case(tx: Connection, case_id: str) -> tuple[Holding, ...]:
    """What a case holds, of every account that it ever held something of."""
    query = sa.select(budget_cases).where(budget_cases.c.case_id == case_id).order_by(budget_cases.c.account)
    return tuple(_holding(row) for row in tx.execute(query).mappings())


def holdings(tx: Connection, account: str | None = None) -> tuple[Holding, ...]:
    """What the cases hold of an account, or of all; those of the newest case first."""
    query = sa.select(budget_cases).join(cases, cases.c.id == budget_cases.c.case_id)
    query = query.order_by(cases.c.created_at.desc(), cases.c.id, budget_cases.c.account)
    if account is not None:
        query = query.where(budget_cases.c.account == account)
    return tuple(_holding(row) for row in tx.execute(query).mappings())


def postings(tx: Connection, account: str, *, before: int = 0, limit: int = 0) -> tuple[Posting, ...]:
    """The lines of an account, the newest first; those older than the line `before`, `limit` at most, where given."""
    query = sa.select(budget_postings).where(budget_postings.c.account == account)
    query = query.order_by(budget_postings.c.id.desc())
    query = query.where(budget_postings.c.id < before) if before else query
    query = query.limit(limit) if limit else query
    return tuple(_posting(row) for row in tx.execute(query).mappings())


def post(tx: Connection, entry: Entry, *, at: datetime) -> bool:
    """Write an entry and change the balances; False where its key was used. Raises Short where there is too little."""
    units = _units(entry.amount)
    if units <= 0:
        raise ValueError("an entry moves an amount above nothing")
    same: dict[str, object] = {
        "key": entry.key,
        "account": entry.account,
        "occasion": entry.occasion,
        "case_id": entry.case_id or None,
        "wave": entry.wave,
        "at": at,
        "actor": entry.actor,
    }
    taken = {**same, "line": 1, "side": entry.come_from, "amount": -units}
    given = {**same, "line": 2, "side": entry.to, "amount": units}
    if not tx.execute(inserting(tx, budget_postings).values(taken).on_conflict_do_nothing()).rowcount:
        return False
    tx.execute(sa.insert(budget_postings).values(given))
    if entry.case_id:
        _move_in_case(tx, entry, units)
    _move_in_account(tx, entry, units)
    return True


def _move_in_case(tx: Connection, entry: Entry, units: int) -> None:
    named = {"case_id": entry.case_id, "account": entry.account}
    tx.execute(inserting(tx, budget_cases).values(named).on_conflict_do_nothing())
    changed: dict[str, object] = {
        **({entry.come_from: budget_cases.c[entry.come_from] - units} if entry.come_from in HELD else {}),
        **({entry.to: budget_cases.c[entry.to] + units} if entry.to in HELD else {}),
        **({"released": budget_cases.c.released + units} if entry.to == "available" else {}),
    }
    where = [budget_cases.c.case_id == entry.case_id, budget_cases.c.account == entry.account]
    if entry.come_from in HELD:
        where.append(budget_cases.c[entry.come_from] >= units)
    if not tx.execute(sa.update(budget_cases).where(*where).values(changed)).rowcount:
        raise Short(entry.come_from, getattr(holding(tx, entry.case_id, entry.account), entry.come_from))


def _move_in_account(tx: Connection, entry: Entry, units: int) -> None:
    # What is approved grows by what it gives: its lines are the other side of all that there is.
    less = 1 if entry.come_from == "approved" else -1
    more = -1 if entry.to == "approved" else 1
    changed = {
        entry.come_from: budget_accounts.c[entry.come_from] + less * units,
        entry.to: budget_accounts.c[entry.to] + more * units,
    }
    where = [budget_accounts.c.key == entry.account]
    if entry.come_from != "approved":
        where.append(budget_accounts.c[entry.come_from] >= units)
    if not tx.execute(sa.update(budget_accounts).where(*where).values(changed)).rowcount:
        found = find(tx, entry.account)
        raise Short(entry.come_from, getattr(found, entry.come_from) if found else NONE)


@dataclass(frozen=True, slots=True)
class Spending:
    """What a wave's chunks hold and have paid, in segments; `segments` are those of all letters."""

    case_id: str
    wave: str
    channel: str
    account: str
    segments: int
    held: int
    paid: int


def spending(tx: Connection, case_id: str | None = None) -> tuple[Spending, ...]:
    """The waves that a budget pays for, of a case or of all."""
    sums = [sa.func.coalesce(sa.func.sum(column), 0) for column in (chunks.c.segments, chunks.c.held, chunks.c.paid)]
    named = (waves.c.case_id, waves.c.id, waves.c.channel, waves.c.account)
    query = sa.select(*named, *sums).join(chunks, chunks.c.wave == waves.c.id).where(waves.c.account != "")
    query = query.group_by(*named).order_by(waves.c.id)
    if case_id is not None:
        query = query.where(waves.c.case_id == case_id)
    return tuple(Spending(*row[:4], *map(int, row[4:])) for row in tx.execute(query))


def planned_segments(tx: Connection, some: Sequence[str]) -> Mapping[str, int]:
    """How many segments the letters of these waves have that nobody holds yet."""
    open_ = sa.func.coalesce(sa.func.sum(chunks.c.segments - chunks.c.held), 0)
    query = sa.select(chunks.c.wave, open_).where(chunks.c.wave.in_(some)).group_by(chunks.c.wave)
    return {wave: int(count) for wave, count in tx.execute(query)}


def hold_chunk(tx: Connection, wave: str, position: int) -> int:
    """Hold all segments of a chunk, which is claimed; how many were not held before."""
    query = sa.select(chunks.c.segments, chunks.c.held).where(chunks.c.wave == wave, chunks.c.position == position)
    segments, held = tx.execute(query).one()
    if segments > held:
        _chunk(tx, wave, position, held=segments)
    return int(max(segments - held, 0))


def settle_chunk(tx: Connection, wave: str, position: int, *, paid: int, all_known: bool) -> int:
    """Count what of a chunk was paid for now; how many segments it need not hold any more. Where nobody knows of some
    whether they went out (`all_known` is False), it keeps them."""
    query = sa.select(chunks.c.held, chunks.c.paid).where(chunks.c.wave == wave, chunks.c.position == position)
    held, before = tx.execute(query).one()
    after = before + paid
    _chunk(tx, wave, position, paid=after, held=after if all_known else held)
    return int(held - after) if all_known else 0


def _chunk(tx: Connection, wave: str, position: int, **columns: int) -> None:
    where = (chunks.c.wave == wave, chunks.c.position == position)
    tx.execute(sa.update(chunks).where(*where).values(columns))


def pay_from(tx: Connection, some: Sequence[str], account: str) -> None:
    """Say which account pays for these waves."""
    tx.execute(sa.update(waves).where(waves.c.id.in_(some)).values(account=account))


def broken(tx: Connection) -> list[str]:
    """Every rule of the ledger that does not hold, in words."""
    lines = [tuple(row) for row in tx.execute(_LINES)]
    found = [f"entry {key}: its lines do not add up to nothing" for key in tx.execute(_UNEVEN).scalars()]
    by_account: dict[tuple[str, str], int] = {}
    by_case: dict[tuple[str, str, str], int] = {}
    for account, case_id, side, amount in lines:
        by_account[account, side] = by_account.get((account, side), 0) + int(amount)
        by_case[case_id or "", account, side] = by_case.get((case_id or "", account, side), 0) + int(amount)
    every = tx.execute(sa.select(budget_accounts)).mappings().all()
    for row in every:
        for side in SIDES:
            posted = by_account.get((row["key"], side), 0) * (-1 if side == "approved" else 1)
            if posted != row[side]:
                found.append(f"{row['key']}: {side} is {money(row[side])}, its lines say {money(posted)}")
        if row["reserved"] + row["committed"] + row["actual"] > row["approved"]:
            found.append(f"{row['key']}: more is reserved, committed and spent than approved")
    for row in tx.execute(sa.select(budget_cases)).mappings():
        for side in HELD:
            posted = by_case.get((row["case_id"], row["account"], side), 0)
            if posted != row[side]:
                found.append(f"{row['case_id']}: {side} is {money(row[side])}, its lines say {money(posted)}")
    return found


_LINES = sa.select(
    budget_postings.c.account,
    budget_postings.c.case_id,
    budget_postings.c.side,
    sa.func.sum(budget_postings.c.amount),
).group_by(budget_postings.c.account, budget_postings.c.case_id, budget_postings.c.side)
_UNEVEN = (
    sa.select(budget_postings.c.key)
    .group_by(budget_postings.c.key)
    .having(sa.or_(sa.func.sum(budget_postings.c.amount) != 0, sa.func.count() != 2))
)


def money(units: Any) -> Decimal:
    """Millionths as an amount, exact."""
    return Decimal(int(units)) / MILLION


def _units(amount: Decimal) -> int:
    units = amount * MILLION
    if units != units.to_integral_value():
        raise ValueError(f"{amount} has more than six decimals")
    return int(units)


def units_of(amount: Decimal) -> int:
    """An amount as whole millionths, as versions keep it. ValueError for more than six decimals."""
    return _units(amount)


def _account(row: Mapping[Any, Any]) -> Account:
    amounts = {side: money(row[side]) for side in SIDES}
    return Account(row["key"], row["office"], row["year"], row["currency"], **amounts)


def _holding(row: Mapping[Any, Any]) -> Holding:
    amounts = {name: money(row[name]) for name in (*HELD, "released")}
    return Holding(row["case_id"], row["account"], **amounts)


def _posting(row: Mapping[Any, Any]) -> Posting:
    return Posting(
        id=row["id"],
        key=row["key"],
        side=row["side"],
        amount=money(row["amount"]),
        occasion=row["occasion"],
        case_id=row["case_id"] or "",
        wave=row["wave"],
        at=row["at"],
        actor=row["actor"],
    )
