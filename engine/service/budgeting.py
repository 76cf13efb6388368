"""Money in the transaction of a case: reserved on submission, committed on approval, released where the case ends.

What a case is to hold follows from the case (`machine.funding`); here the difference to what it holds becomes entries
of the ledger, written with the transition. Cases of offices without a budget cost nothing: no row is read for them.
Refuses a submission that asks for more than is left.
"""

from collections.abc import Iterator
from decimal import Decimal

from msgspec import structs
from sqlalchemy import Connection

from engine.definition.fields import Money
from engine.definition.model import Definition
from engine.errors import InvalidForm, Problem
from engine.machine.case import Case, Fund
from engine.machine.commands import AnyCommand, Submit, Widen
from engine.machine.funding import FIELD, Held, amount_of, held
from engine.machine.outcome import Outcome
from engine.service.app import Countersign
from engine.service.sheet_views import BudgetLeft
from engine.service.showing import office_name
from engine.store import budgets
from engine.store.budgets import Account, Entry, Holding, Short, Side, account_key
from engine.store.cases import Locked, NotAlone

SHORT = "budget_short"


def looked_for(app: Countersign, locked: Locked, command: Submit) -> Submit:
    """The submission with what is left of the office's budget; others who submit under it wait for this one."""
    case = locked.case
    known = app.budgets(locked)
    key = key_of(app, app.definition(case.process), case.office) if known else ""
    if key not in known:
        return command
    if not locked.is_alone:
        raise NotAlone
    account = budgets.find(locked.tx, key, lock=True)
    assert account is not None
    return structs.replace(command, fund=Fund(key, f"{left_for(locked.tx, account, case.id):f}"))


def looked_for_more(app: Countersign, locked: Locked, command: Widen) -> Widen:
    """What is asked for, with what is left of the budget that the case is paid from; nothing where it is from none."""
    fund = locked.case.fund
    if fund is None:
        return command
    if not locked.is_alone:
        raise NotAlone
    account = budgets.find(locked.tx, fund.account, lock=True)
    assert account is not None
    return structs.replace(command, fund=Fund(fund.account, f"{left_for(locked.tx, account, locked.case.id):f}"))


def follow(app: Countersign, locked: Locked, command: AnyCommand, outcome: Outcome) -> None:
    """Have the ledger say what the case holds after the command. InvalidForm at the field of the budget where there is
    too little left. NotAlone among other cases, which might be waited for in a circle."""
    before, after = locked.case, outcome.case
    if not outcome.events or (before.fund is None and after.fund is None):
        return
    was = held(app.process(before.process, locked), before)
    now = held(app.process(after.process, locked), after)
    if was == now:
        return
    if not locked.is_alone:
        raise NotAlone
    n = 0
    for key in sorted({was.account, now.account} - {""}):
        wanted = now if key == now.account else Held(key)
        for come_from, to, amount, occasion in moves(budgets.holding(locked.tx, after.id, key, lock=True), wanted):
            n += 1
            number = f"{after.id}:{after.seq}:{n}"
            entry = Entry(number, key, come_from, to, amount, occasion, command.actor, after.id)
            try:
                budgets.post(locked.tx, entry, at=app.now())
            except Short as error:
                raise _short(now.reserved + now.granted, amount, error.left) from None


def moves(has: Holding, wanted: Held) -> Iterator[tuple[Side, Side, Decimal, str]]:
    """From where to where money goes for a case to hold what is wanted, and what that is called; what was spent stays
    spent."""
    reserved, committed = wanted.sides(has.actual)
    reserve, commit = reserved - has.reserved, committed - has.committed
    across = min(-reserve, commit)
    if across > 0:
        yield "reserved", "committed", across, "commit"
        reserve, commit = reserve + across, commit - across
    across = min(reserve, -commit)
    if across > 0:
        yield "committed", "reserved", across, "reopen"
        reserve, commit = reserve - across, commit + across
    if reserve < 0:
        yield "reserved", "available", -reserve, "release"
    if commit < 0:
        yield "committed", "available", -commit, "release"
    if reserve > 0:
        yield "available", "reserved", reserve, "reserve"
    if commit > 0:
        yield "available", "committed", commit, "commit"


def key_of(app: Countersign, definition: Definition, office: str) -> str:
    """The key of the account that a case submitted now would be paid from, whether there is one or not; empty where
    its form asks for no money."""
    field = definition.proposal.fields.get(FIELD)
    if not isinstance(field, Money):
        return ""
    return account_key(office, app.now().astimezone(app.settings.zone).year, field.currency)


def left_for(tx: Connection, account: Account, case_id: str) -> Decimal:
    """What a case may ask for: what is available, and what it holds already."""
    return account.available + budgets.holding(tx, case_id, account.key).held


def left_now(app: Countersign, tx: Connection, case: Case) -> BudgetLeft | None:
    """What is left for a case just now, of the budget that it is or would be submitted under; None where its office has
    none."""
    definition = app.definition(case.process)
    key = case.fund.account if case.fund else key_of(app, definition, case.office)
    account = budgets.find(tx, key) if key else None
    if account is None:
        return None
    office = office_name(app.organisation(tx), account.office)
    left = left_for(tx, account, case.id)
    return BudgetLeft(office, account.year, account.currency, left, amount_of(case))


def left_shown(app: Countersign, tx: Connection, case: Case, unseen: frozenset[str]) -> BudgetLeft | None:
    """The same for who looks at a case that is decided on; None for who does not see its budget."""
    is_asked = case.fund is not None and FIELD not in unseen and held(app.process(case.process, tx), case).reserved
    return left_now(app, tx, case) if is_asked else None


def _short(wanted: Decimal, missing: Decimal, available: Decimal) -> InvalidForm:
    left = wanted - missing + available
    message = (
        f"{left:.2f} is left of this office's budget and the case takes {wanted:.2f}; nothing was submitted or changed."
        " Lower it, or have whoever keeps the budget raise it and try again"
    )
    return InvalidForm([Problem(SHORT, message, at=FIELD, fields={"left": f"{left:,.2f}", "wanted": f"{wanted:,.2f}"})])
