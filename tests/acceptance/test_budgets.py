"""Money is spent only within the approved budget of an office, on both databases, whoever comes first."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa

from engine import clock
from engine.errors import BudgetHeld, BudgetOpen, InvalidForm, NotFound, OwnProposal
from engine.machine.replay import replay
from engine.service import approvals, budgets, proposals
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By
from engine.store import cases as stored
from engine.store import history
from tests.acceptance.budgeted_case import COUNTY, account, decide, money, occasions, set_budget
from tests.acceptance.offices import PROPOSAL, key, opened, state_of, submitted, viewer
from tests.invariants import check_invariants

COUNTERSIGNED = ("liguoqiang", "zhanglan", "chensi", "linfang")


@pytest.fixture
def app(db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db_url, tmp_path) as application:
        yield application
        assert budgets.verify(application) == ()
        check_invariants(application.db)


def test_an_office_without_a_budget_is_asked_for_none(app: Countersign) -> None:
    case_id = submitted(app, budget="900000")
    with app.db.read() as tx:
        assert stored.load(tx, case_id).fund is None
        assert tx.execute(sa.text("SELECT count(*) FROM budget_postings")).scalar_one() == 0


def test_it_is_reserved_on_submission_committed_on_approval_and_released_at_the_end(app: Countersign) -> None:
    set_budget(app, "100000")
    assert money(app) == (100000, 0, 0, 0)
    case_id = submitted(app, budget="40000")
    assert money(app) == (60000, 40000, 0, 0)
    for login in COUNTERSIGNED:
        decide(app, login, case_id)
    decide(app, "zhouning", case_id)
    assert money(app) == (60000, 40000, 0, 0)
    decide(app, "wuqian", case_id, "acknowledge")
    assert state_of(app, case_id) == "targeting"
    assert money(app) == (60000, 0, 40000, 0)
    proposals.withdraw(app, viewer(app, "wangmin"), case_id, "不做了", key=key())
    assert money(app) == (100000, 0, 0, 0)
    assert occasions(app, case_id) == {"reserve": 40000, "commit": 40000, "release": 40000}


def test_a_returned_case_keeps_its_money_and_gives_back_what_it_asks_less(app: Countersign) -> None:
    set_budget(app, "100000")
    case_id = submitted(app, budget="80000")
    decide(app, "liguoqiang", case_id, "return")
    assert (state_of(app, case_id), money(app)) == ("returned", (20000, 80000, 0, 0))
    proposals.submit(app, viewer(app, "wangmin"), case_id, PROPOSAL | {"budget": "60000"}, key=key())
    assert money(app) == (40000, 60000, 0, 0)
    with app.db.read() as tx:
        case = stored.load(tx, case_id)
        assert case.fund is not None and Decimal(case.fund.left) == 100000  # what it holds is left for itself
        assert replay(history.load(tx, case_id)) == case


def test_who_asks_for_more_than_is_left_is_told_what_is_left_and_nothing_typed_is_lost(app: Countersign) -> None:
    set_budget(app, "100000")
    first = submitted(app, budget="70000")
    submitter = viewer(app, "wangmin")
    case_id = proposals.start(app, submitter, "telecom-marketing-case", key=key())
    with pytest.raises(InvalidForm) as refused:
        proposals.submit(app, submitter, case_id, PROPOSAL | {"budget": "30000.01"}, key=key())
    (problem,) = refused.value.problems
    assert (problem.code, problem.at) == ("budget_short", "budget")
    assert problem.fields == {"left": "30,000.00", "wanted": "30,000.01"}
    assert "raise it" in problem.message
    assert proposals.form(app, submitter, case_id).fields[0].raw == PROPOSAL["title"]
    assert (state_of_own(app, case_id), money(app)) == ("draft", (30000, 70000, 0, 0))
    proposals.submit(app, submitter, case_id, PROPOSAL | {"budget": "30000"}, key=key())
    assert money(app) == (0, 100000, 0, 0)
    decide(app, "liguoqiang", first, "reject")
    assert money(app) == (70000, 30000, 0, 0)


def state_of_own(app: Countersign, case_id: str) -> str:
    """The state of a draft, which nobody but its submitter sees."""
    with app.db.read() as tx:
        return stored.load(tx, case_id).state


def test_of_two_submissions_for_the_last_money_exactly_one_wins(app: Countersign) -> None:
    set_budget(app, "100000")
    submitter = viewer(app, "wangmin")
    drafts = [proposals.start(app, submitter, "telecom-marketing-case", key=key()) for _ in range(6)]
    together = Barrier(len(drafts))

    def submit(case_id: str) -> str:
        together.wait()
        try:
            proposals.submit(app, submitter, case_id, PROPOSAL | {"budget": "45000"}, key=key())
        except InvalidForm as error:
            return error.problems[0].code
        return "submitted"

    with ThreadPoolExecutor(len(drafts)) as pool:
        ends = sorted(pool.map(submit, drafts))
    assert ends == ["budget_short"] * 4 + ["submitted"] * 2
    assert money(app) == (10000, 90000, 0, 0)


def test_the_database_itself_refuses_a_balance_below_nothing_and_a_changed_line(app: Countersign) -> None:
    set_budget(app, "100000")
    submitted(app, budget="40000")
    refused = (
        "UPDATE budget_accounts SET available = available - 60000000001, reserved = reserved + 60000000001",
        "UPDATE budget_accounts SET reserved = reserved + 1",
        "UPDATE budget_cases SET reserved = -1",
        "UPDATE budget_postings SET amount = 0",
        "DELETE FROM budget_postings",
    )
    for statement in refused:
        with pytest.raises(sa.exc.DBAPIError), app.db.begin() as tx:
            tx.execute(sa.text(statement))


def test_an_approver_who_grants_less_gives_back_the_rest_and_cannot_grant_more_than_is_left(app: Countersign) -> None:
    set_budget(app, "100000")
    case_id = submitted(app, budget="60000")
    for login in COUNTERSIGNED:
        decide(app, login, case_id)
    with pytest.raises(InvalidForm) as refused:
        decide(app, "zhouning", case_id, form={"budget": "120000"})
    assert refused.value.problems[0].code == "budget_short"
    assert money(app) == (40000, 60000, 0, 0)
    decide(app, "zhouning", case_id, form={"budget": "55000"})
    assert (money(app), occasions(app, case_id)["release"]) == ((45000, 55000, 0, 0), 5000)
    asked = [login for login in COUNTERSIGNED if approvals.inbox(app, viewer(app, login)).to_do]
    assert asked == ["liguoqiang"]  # the first who looks at the budget is asked again


def test_nobody_confirms_what_they_proposed_and_two_cannot_wait(app: Countersign) -> None:
    finance = By(viewer(app, "zhanglan"))
    found = budgets.propose(app, finance, office=COUNTY, year="2026", currency="CNY", amount="500", reason="年度预算")
    with pytest.raises(BudgetOpen):
        budgets.propose(app, finance, office=COUNTY, year="2026", currency="CNY", amount="600", reason="年度预算")
    with pytest.raises(OwnProposal):
        budgets.decide(app, finance, found, 1, confirm=True)
    other = budgets.propose(app, finance, office="440106", year="2026", currency="CNY", amount="7", reason="另一家")
    assert {one.account for one in budgets.listed(app, finance).waits} == {found, other}
    budgets.decide(app, By(viewer(app, "hejing")), found, 1, confirm=True)
    assert budgets.page(app, finance, found).budget.approved == 500
    budgets.decide(app, By(viewer(app, "hejing")), other, 1, confirm=False)
    with pytest.raises(NotFound):
        budgets.page(app, finance, other)


def test_a_budget_is_raised_and_never_falls_below_what_cases_hold(app: Countersign) -> None:
    found = set_budget(app, "100000")
    submitted(app, budget="40000")
    set_budget(app, "150000")
    assert money(app) == (110000, 40000, 0, 0)
    with pytest.raises(BudgetHeld) as refused:
        set_budget(app, "39999.99")
    assert refused.value.fields == {"held": "40,000.00"}
    set_budget(app, "40000")
    assert money(app) == (0, 40000, 0, 0)
    shown = budgets.page(app, OPERATOR, found)
    assert [one.amount for one in shown.versions] == [40000, 150000, 100000]
    assert sum(one.amount for one in shown.postings) == 0


def test_who_keeps_the_money_of_other_offices_sees_nothing(app: Countersign) -> None:
    found = set_budget(app, "100000")
    case_id = submitted(app, budget="40000")
    with pytest.raises(NotFound):
        budgets.listed(app, By(viewer(app, "wangmin")))
    for login in ("zhanglan", "machao", "xuwen"):
        assert budgets.page(app, By(viewer(app, login)), found).budget.reserved == 40000
    unseen = budgets.page(app, By(viewer(app, "hejing")), found)
    assert unseen.cases[0].id == case_id  # asked at a step of the case
    with pytest.raises(NotFound):
        budgets.propose(
            app, By(viewer(app, "xuwen")), office=COUNTY, year="2026", currency="CNY", amount="1", reason="无权"
        )


def test_a_case_submitted_again_under_another_year_takes_it_from_there(app: Countersign, tmp_path: Path) -> None:
    set_budget(app, "100000")
    case_id, before = submitted(app, budget="40000"), account(app)
    decide(app, "liguoqiang", case_id, "return")
    clock.move(tmp_path / "clock", timedelta(days=366))
    set_budget(app, "50000")
    proposals.submit(app, viewer(app, "wangmin"), case_id, PROPOSAL | {"budget": "45000"}, key=key())
    assert account(app) != before
    assert money(app) == (5000, 45000, 0, 0)
    assert budgets.page(app, OPERATOR, before).budget.available == 100000
