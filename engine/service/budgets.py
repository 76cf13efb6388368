"""Budgets of offices (预算): set and raised by two persons, shown with what each case holds, verified.

Whoever keeps the money of an office (the role finance, there or above) and administrators propose an amount for a year;
a second person confirms it. Refuses to lower a budget below what cases hold, and to show offices that are not theirs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from sqlalchemy import Connection

from engine.delivery.message import cost
from engine.errors import BudgetHeld, BudgetOpen, InvalidForm, NotFound, Problem
from engine.machine.funding import held
from engine.organisation import Organisation
from engine.service import confirming
from engine.service.app import Countersign
from engine.service.authorizing import Action
from engine.service.confirming import Kind, VersionView, viewed
from engine.service.recording import By, Change
from engine.service.showing import office_name
from engine.store import budgets, cases, side_letters, visibility
from engine.store.budgets import BUDGETS, Account, BudgetRow, Entry, Posting, Short, account_key, units_of
from engine.values import Bilingual

READS: Action = "budgets.read"
KEEPS: Action = "budgets.keep"
BUDGET = Kind("budget", BUDGETS, KEEPS)
FINANCE = "finance"
EVERYWHERE = ("administrator", "auditor")
CURRENCIES = ("CNY", "USD", "EUR", "HKD")
LARGEST = Decimal("1e12")
SHOWN = 200
YEARS = range(2000, 2100)


@dataclass(frozen=True, slots=True)
class BudgetVersion(VersionView):
    """An amount that was proposed for an account."""

    account: str
    office: str
    office_name: Bilingual
    year: int
    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A budget in a list, with where its money is; `approved` is the sum of the other four."""

    key: str
    office: str
    office_name: Bilingual
    year: int
    currency: str
    approved: Decimal
    available: Decimal
    reserved: Decimal
    committed: Decimal
    actual: Decimal


@dataclass(frozen=True, slots=True)
class BudgetCase:
    """What a case holds. A case that the viewer may not see has neither number nor title; `id` is empty then."""

    id: str
    number: str
    title: str
    state: str
    reserved: Decimal
    committed: Decimal
    actual: Decimal
    released: Decimal


@dataclass(frozen=True, slots=True)
class BudgetPosting:
    """A line of the ledger; `id` counts up, and the two lines of a `key` add up to nothing. `case` is its number, where
    the viewer may see it."""

    id: int
    key: str
    at: datetime
    side: str
    amount: Decimal
    occasion: str
    case: str
    wave: str
    actor: str


@dataclass(frozen=True, slots=True)
class BudgetsView:
    """The budgets of the viewer's offices, what waits for a second person there, and for which offices they may
    propose."""

    budgets: tuple[BudgetLine, ...]
    waits: tuple[BudgetVersion, ...]
    offices: tuple[tuple[str, Bilingual], ...]
    may_keep: bool


@dataclass(frozen=True, slots=True)
class BudgetPage:
    """One budget: its versions, what the cases hold, and the newest lines of its ledger."""

    budget: BudgetLine
    versions: tuple[BudgetVersion, ...]
    cases: tuple[BudgetCase, ...]
    postings: tuple[BudgetPosting, ...]
    may_keep: bool


def listed(app: Countersign, by: By) -> BudgetsView:
    """The budgets of the viewer's offices, the newest year first."""
    by.authorize(READS)
    with app.db.read() as tx:
        organisation = app.organisation(tx)
        theirs = _offices(organisation, by)
        found = tuple(_line(organisation, one) for one in budgets.accounts(tx, theirs))
        rows = [row for row in budgets.waiting(tx) if row.account.split(":")[0] in theirs]
        waits = tuple(_version(row, None, organisation, by) for row in rows)
    may = _may_keep(by)
    named = tuple((code, office_name(organisation, code)) for code in sorted(theirs))
    return BudgetsView(found, waits, named if may else (), may)


def page(app: Countersign, by: By, key: str) -> BudgetPage:
    """One budget. NotFound where there is none, or its office is not theirs."""
    by.authorize(READS)
    with app.db.read() as tx:
        organisation = app.organisation(tx)
        account = _theirs(tx, organisation, by, key)
        rows = BUDGETS.history(tx, account=key)
        current = BUDGETS.in_force(tx, app.now(), account=key)
        versions = tuple(_version(row, current, organisation, by) for row in rows)
        held_by = budgets.holdings(tx, key)
        names = _names(tx, by, [one.case_id for one in held_by])
        lines = _postings(tx, by, organisation, key, limit=SHOWN)
    of_cases = tuple(
        BudgetCase(*names.get(one.case_id, ("", "", "", "")), one.reserved, one.committed, one.actual, one.released)
        for one in held_by
    )
    return BudgetPage(_line(organisation, account), versions, of_cases, lines, _may_keep(by))


def postings(app: Countersign, by: By, key: str) -> tuple[BudgetPosting, ...]:
    """All lines of a budget's ledger, the newest first. NotFound as in `page`."""
    by.authorize(READS)
    with app.db.read() as tx:
        organisation = app.organisation(tx)
        _theirs(tx, organisation, by, key)
        return _postings(tx, by, organisation, key)


def propose(app: Countersign, by: By, *, office: str, year: str, currency: str, amount: str, reason: str) -> str:
    """Propose what an office may spend in a year, in all; the account's key. It holds once a second person confirms it.
    InvalidForm names wrong fields, BudgetOpen tells that another proposal waits."""
    by.authorize(KEEPS)
    problems = confirming.without_reason(reason)
    with app.db.read() as tx:
        organisation = app.organisation(tx)
    if office not in _offices(organisation, by):
        problems.append(Problem("budget_office", "this is none of your offices", at="office"))
    if not (year.isascii() and year.isdigit() and int(year) in YEARS):
        problems.append(Problem("budget_year", "write a year, as 2026", at="year"))
    if currency not in CURRENCIES:
        problems.append(Problem("budget_currency", f"choose one of {', '.join(CURRENCIES)}", at="currency"))
    wanted = _amount(amount)
    if wanted is None:
        problems.append(Problem("budget_amount", "write an amount to the cent, as 500000 or 499999.50", at="amount"))
    if wanted is None or problems:
        raise InvalidForm(problems)
    key = account_key(office, int(year), currency)

    def says(change: Change, _rows: tuple[BudgetRow, ...]) -> Mapping[str, object]:
        _refuse_lower(budgets.find(change.tx, key), wanted)
        return {"amount": units_of(wanted)}

    after = {"amount": f"{wanted:.2f} {currency}"}
    confirming.propose(app, by, BUDGET, says, reason=reason, after=after, waits=BudgetOpen, account=key)
    return key


def decide(app: Countersign, by: By, key: str, version: int, *, confirm: bool) -> None:
    """Confirm an amount, which is there to be spent at once, or refuse it. OwnProposal where they proposed it; NotFound
    where nothing waits under that number or the office is not theirs; BudgetHeld where cases hold more by now."""
    by.authorize(KEEPS)
    with app.db.read() as tx:
        if key.split(":", maxsplit=1)[0] not in _offices(app.organisation(tx), by):
            raise NotFound()
    confirming.decide(app, by, BUDGET, version, confirm=confirm, then=_set, account=key)


def verify(app: Countersign, told: Callable[[int, int], None] = lambda _read, _of: None) -> tuple[str, ...]:
    """Every rule that the ledger breaks, in words; nothing where all hold. It reads every case that holds money, and
    tells how many of how many it has read."""
    with app.db.read() as tx:
        found = budgets.broken(tx)
        holdings = budgets.holdings(tx)
        for number, one in enumerate(holdings, 1):
            told(number, len(holdings))
            case = cases.load(tx, one.case_id)
            wanted = held(app.process(case.process, tx), case)
            is_its = case.fund is not None and case.fund.account == one.account
            reserved, committed = wanted.sides(one.actual)
            if one.reserved != reserved * is_its:
                found.append(f"{one.case_id}: {one.reserved} is reserved, its state asks for {wanted.reserved}")
            if one.committed != committed * is_its:
                found.append(f"{one.case_id}: {one.committed} is committed, its state asks for {wanted.granted}")
            found += _spent_otherwise(app, tx, one)
    return tuple(found)


def _spent_otherwise(app: Countersign, tx: Connection, one: budgets.Holding) -> list[str]:
    """Where what a case spent is not what its waves hold and paid."""
    plan = app.definition(cases.load(tx, one.case_id).process).delivery
    rows = [row for row in budgets.spending(tx, one.case_id) if row.account == one.account]
    spent = sum((cost(row.held, plan.price(row.channel)) for row in rows), Decimal()) if plan else Decimal()
    seeds = side_letters.held(tx, one.case_id)
    paying = {row.wave: row.channel for row in rows}
    spent += (
        sum((cost(seeds.get(wave, 0), plan.price(name)) for wave, name in paying.items()), Decimal()) if plan else 0
    )
    over = [row.wave for row in rows if not row.paid <= row.held <= row.segments]
    found = [f"{wave}: paid, held and all segments are out of order" for wave in over]
    return found if spent == one.actual else [*found, f"{one.case_id}: {one.actual} is spent, its waves say {spent}"]


def _set(change: Change, row: BudgetRow) -> None:
    office, year, currency = row.account.split(":")
    account = budgets.open_account(change.tx, office, int(year), currency)
    _refuse_lower(account, row.amount)
    more = row.amount - account.approved
    if not more:
        return
    entry = Entry(
        key=f"{row.account}:{row.version}",
        account=row.account,
        come_from="approved" if more > 0 else "available",
        to="available" if more > 0 else "approved",
        amount=abs(more),
        occasion="set",
        actor=change.by.person,
    )
    try:
        budgets.post(change.tx, entry, at=change.now)
    except Short:  # a case took it meanwhile
        raise BudgetHeld(held=f"{account.approved - account.available:,.2f}") from None


def _refuse_lower(account: Account | None, wanted: Decimal) -> None:
    if account is not None and wanted < account.approved - account.available:
        raise BudgetHeld(held=f"{account.approved - account.available:,.2f}")


def _offices(organisation: Organisation, by: By) -> frozenset[str]:
    """Those whose money the viewer sees: all, or where they keep the money and what is below."""
    every = frozenset(one.code for one in organisation.offices)
    if by.viewer is None or by.viewer.has(*EVERYWHERE):
        return every
    own = {grant.office for grant in by.viewer.grants if grant.role == FINANCE}
    return frozenset(code for code in every if not own.isdisjoint(organisation.line(code)))


def _theirs(tx: Connection, organisation: Organisation, by: By, key: str) -> Account:
    account = budgets.find(tx, key)
    if account is None or account.office not in _offices(organisation, by):
        raise NotFound()
    return account


def _may_keep(by: By) -> bool:
    try:
        by.authorize(KEEPS)
    except NotFound:
        return False
    return True


def _amount(text: str) -> Decimal | None:
    try:
        amount = Decimal(text.strip().replace(",", "").replace("，", ""))
    except InvalidOperation:
        return None
    is_possible = amount.is_finite() and 0 <= amount <= LARGEST and amount == round(amount, 2)
    return amount if is_possible else None


def _names(tx: Connection, by: By, ids: list[str]) -> Mapping[str, tuple[str, str, str, str]]:
    """id, number, title and state of those of these cases that the viewer may see; the operator has the ids alone."""
    if by.viewer is None:
        return {one.id: (one.id, one.number or "", "", one.state) for one in cases.load_many(tx, ids)}
    lines = visibility.among(tx, by.viewer.person, ids)
    return {one.id: (one.id, one.number or "", one.title, one.state) for one in lines}


def _postings(
    tx: Connection, by: By, organisation: Organisation, key: str, *, limit: int = 0
) -> tuple[BudgetPosting, ...]:
    rows = budgets.postings(tx, key, limit=limit)
    names = _names(tx, by, list(dict.fromkeys(one.case_id for one in rows if one.case_id)))
    return tuple(_posting(one, names, organisation) for one in rows)


def _posting(one: Posting, names: Mapping[str, tuple[str, ...]], organisation: Organisation) -> BudgetPosting:
    case = names.get(one.case_id)
    actor = one.actor if one.actor == "system" else organisation.name(one.actor)
    number = (case[1] or case[0]) if case else ""
    # a key begins with the case, which is told to nobody who may not see it
    told = one.key if case or not one.case_id else f"*{one.key.removeprefix(one.case_id)}"
    wave = one.wave.removeprefix(f"{one.case_id}-") if one.wave else ""
    return BudgetPosting(one.id, told, one.at, one.side, one.amount, one.occasion, number, wave, actor)


def _line(organisation: Organisation, one: Account) -> BudgetLine:
    name = office_name(organisation, one.office)
    amounts = (one.approved, one.available, one.reserved, one.committed, one.actual)
    return BudgetLine(one.key, one.office, name, one.year, one.currency, *amounts)


def _version(row: BudgetRow, current: BudgetRow | None, organisation: Organisation, by: By) -> BudgetVersion:
    office, year, currency = row.account.split(":")
    return viewed(
        BudgetVersion,
        row,
        current,
        organisation,
        by,
        account=row.account,
        office=office,
        office_name=office_name(organisation, office),
        year=int(year),
        currency=currency,
        amount=row.amount,
    )
