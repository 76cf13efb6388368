"""Whatever is submitted, approved, sent and given back: entries add up, balances follow, nothing is overspent."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.machine.case import Case, Fund, ProcessRef
from engine.machine.funding import Held
from engine.organisation import Office
from engine.service.budgeting import moves
from engine.store import budgets, people
from engine.store.budgets import Entry, Short
from engine.store.session import Database
from engine.store.tables import cases as case_table

ACCOUNT = "440111:2026:CNY"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
CASES = ("one", "two", "three")
amounts = st.decimals(min_value=Decimal("0.01"), max_value=100, places=2)
stages = st.sampled_from(("reserved", "granted", "ended"))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.just(""), amounts),
        st.tuples(stages, st.sampled_from(CASES), amounts),
        st.tuples(st.just("spend"), st.sampled_from(CASES), amounts),
        st.tuples(st.just("unspent"), st.sampled_from(CASES), amounts),
    ),
    max_size=30,
)


@pytest.fixture
def db(db_url: str) -> Database:
    return Database(db_url)


def emptied(db: Database) -> None:
    """An account with nothing in it, and three cases."""
    with db.begin() as tx:
        people.add_offices(tx, (Office("440111", "白云区分公司", "county"),))
        budgets.open_account(tx, "440111", 2026, "CNY")
        for name in CASES:
            row = {"definition": "x", "version": 1, "fingerprint": "f", "office": "440111", "submitter": "li"}
            more = {"id": name, "state": "draft", "round": 0, "seq": 0, "body": "{}", "head": "h"}
            tx.execute(sa.insert(case_table).values(**row, **more, created_at=NOW, updated_at=NOW))


def step(db: Database, n: int, what: str, case: str, amount: Decimal) -> None:
    """One command, in a transaction of its own; refused where there is too little."""
    with db.begin() as tx:
        account = budgets.find(tx, ACCOUNT)
        assert account is not None
        has = budgets.holding(tx, case, ACCOUNT)
        if what == "set":
            more = amount - account.approved
            sides = ("approved", "available") if more > 0 else ("available", "approved")
            wanted = [(*sides, abs(more), "set")] if more else []
        elif what == "spend":
            wanted = [("committed", "actual", amount, "spend")]
        elif what == "unspent":
            wanted = [("actual", "committed", amount, "unspent")]
        else:
            wanted = list(moves(has, Held(ACCOUNT, **({what: amount} if what != "ended" else {}))))
        for number, (come_from, to, moved, occasion) in enumerate(wanted):
            entry = Entry(f"{n}:{number}", ACCOUNT, come_from, to, moved, occasion, "li", case)
            assert budgets.post(tx, entry, at=NOW)
            assert not budgets.post(tx, entry, at=NOW)


def run(db: Database, tried: list[tuple[str, str, Decimal]], base: int) -> None:
    for n, (what, case, amount) in enumerate(tried):
        try:
            step(db, base + n, what, case, amount)
        except Short:
            continue
        with db.read() as tx:
            assert budgets.broken(tx) == []
            account = budgets.find(tx, ACCOUNT)
            held = [budgets.holding(tx, one, ACCOUNT) for one in CASES]
        assert account is not None
        assert account.available + sum(one.held for one in held) == account.approved
        assert account.committed + account.actual <= account.approved


def test_any_order_of_commands_keeps_the_ledger_whole(db: Database) -> None:
    emptied(db)
    runs = iter(range(0, 10**9, 1000))

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps)
    def tried(commands: list[tuple[str, str, Decimal]]) -> None:
        run(db, commands, next(runs))

    tried()
    db.close()


@pytest.mark.parametrize(
    ("has", "wanted", "occasions"),
    [
        ((0, 0, 0), {"reserved": 5}, ["reserve"]),
        ((5, 0, 0), {"granted": 5}, ["commit"]),
        ((5, 0, 0), {"granted": 3}, ["commit", "release"]),
        ((0, 5, 2), {"reserved": 7}, ["reopen"]),
        ((0, 3, 2), {}, ["release"]),
        ((0, 3, 2), {"granted": 5}, []),
        ((5, 0, 0), {"reserved": 8}, ["reserve"]),
    ],
)
def test_the_way_from_what_a_case_has_to_what_it_is_to_hold(
    has: tuple[int, int, int], wanted: dict[str, int], occasions: list[str]
) -> None:
    holding = budgets.Holding("one", ACCOUNT, *map(Decimal, has))
    held = Held(ACCOUNT, **{name: Decimal(amount) for name, amount in wanted.items()})
    assert [move[3] for move in moves(holding, held)] == occasions


def test_a_case_carries_what_was_left_under_a_name_that_no_field_has() -> None:
    case = Case("one", ProcessRef("x", 1, "f"), "440111", "li", NOW, NOW, form={"budget": "5"}, fund=Fund(ACCOUNT, "9"))
    assert case.judged == {"budget": "5", "budget.left": "9"}
