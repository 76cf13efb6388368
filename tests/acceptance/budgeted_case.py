"""An office with a budget, and what its ledger says."""

from collections import Counter

from engine.machine.case import Decision
from engine.service import approvals, budgets
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By
from engine.store import budgets as store
from tests.acceptance.offices import key, viewer

COUNTY = "440111"
Moved = dict[str, int]


def account(app: Countersign) -> str:
    """The account of the county for this year."""
    return f"{COUNTY}:{app.now().astimezone(app.settings.zone).year}:CNY"


def set_budget(app: Countersign, amount: str, *, by: str = "machao") -> str:
    """Have the operator propose an amount and an administrator confirm it; the account's key."""
    year = str(app.now().astimezone(app.settings.zone).year)
    found = budgets.propose(app, OPERATOR, office=COUNTY, year=year, currency="CNY", amount=amount, reason="年度预算")
    (waits,) = budgets.listed(app, OPERATOR).waits
    budgets.decide(app, By(viewer(app, by)), found, waits.version, confirm=True)
    return found


def money(app: Countersign) -> tuple[int, ...]:
    """available, reserved, committed and actual of the county's account, in whole yuan."""
    with app.db.read() as tx:
        found = store.find(tx, account(app))
    assert found is not None
    return tuple(int(one) for one in (found.available, found.reserved, found.committed, found.actual))


def occasions(app: Countersign, case_id: str) -> Moved:
    """What was moved for a case, by occasion."""
    with app.db.read() as tx:
        lines = store.postings(tx, account(app))
    sums: Counter[str] = Counter()
    for one in lines:
        if one.case_id == case_id and one.amount > 0:
            sums[one.occasion] += int(one.amount)
    return dict(sums)


def decide(
    app: Countersign, login: str, case_id: str, decision: Decision = "approve", form: dict[str, str] | None = None
) -> None:
    """Have a person decide their task of a case."""
    person = viewer(app, login)
    task = next(task.id for task in approvals.inbox(app, person).to_do if task.case.id == case_id)
    approvals.decide(app, person, task, decision, remark="看过了", seen_seq=None, key=key(), form=form)
