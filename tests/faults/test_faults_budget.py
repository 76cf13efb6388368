"""Waves under a budget, on both databases: what is spent is what went out, and never more than was committed."""

import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.machine.commands import Cancel
from engine.service import budgets, delivering, running
from engine.service.app import Countersign
from engine.store import budgets as store
from engine.store import cases, history, waves
from tests.faults.delivering_case import ACCOUNT, CASE, delivering_case
from tests.faults.sending_case import TARGET, assert_each_once, send_all, shown
from tests.servers.gateway import RunningGateway, running_gateway

Make = Callable[..., Countersign]
TWO_WAVES = """
  waves:
    - {name: pilot, share: 40%, channel: sms, chunk: 50}
    - {name: main, share: rest, channel: sms, chunk: 50}
  message: {text: "{name}您好，{form.message}", fields: [name]}
  prices: {sms: "0.05"}
"""
LEFT_HERE = """
  waves:
    - {name: main, share: rest, channel: sms, chunk: 50}
  message: {text: "{name}您好，{form.message}", fields: [name]}
  prices: {sms: "0.035"}
"""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway that sends no receipts."""
    with running_gateway(tmp_path / "sms.log") as started:
        yield started


@pytest.fixture
def make(db_url: str, tmp_path: Path, gateway: RunningGateway) -> Iterator[Make]:
    """Opens the application with a case of 270 customers and a budget; afterwards the ledger is whole."""
    opened: list[Countersign] = []

    def opening(budget: str, **changes: str) -> Countersign:
        settings = {"sms_url": gateway.url} | changes
        opened.append(delivering_case(db_url, tmp_path / "home", customers=300, budget=budget, **settings))
        return opened[-1]

    yield opening
    for app in opened:
        assert budgets.verify(app) == ()
        app.close()


def holding(app: Countersign) -> tuple[str, str]:
    """What is committed to the case, and what it spent."""
    with app.db.read() as tx:
        found = store.holding(tx, CASE, ACCOUNT)
    return f"{found.committed:.3f}", f"{found.actual:.3f}"


def held(app: Countersign) -> tuple[str, str]:
    """The state of the case, and why its delivery was held last."""
    with app.db.read() as tx:
        case, entries = cases.load(tx, CASE), history.load(tx, CASE)
    return case.state, str(getattr(entries[-1].command, "reason", ""))


def test_what_was_sent_is_spent_to_the_thousandth(make: Make, gateway: RunningGateway) -> None:
    app = make("20.00", delivery=LEFT_HERE)
    delivering.begin(app, CASE)
    assert holding(app) == ("20.000", "0.000")
    send_all(app)
    assert_each_once(app, gateway)
    assert holding(app) == ("10.550", "9.450")  # 270 at 0.035
    with app.db.read() as tx:
        lines = store.postings(tx, ACCOUNT)
    assert {one.wave for one in lines if one.occasion == "spend"} == {f"{CASE}-w1"}


def test_a_wave_that_would_overrun_does_not_start_and_says_what_it_lacks(make: Make, gateway: RunningGateway) -> None:
    app = make("13.49")
    delivering.begin(app, CASE)
    assert held(app) == ("paused", "budget: 13.50 > 13.49")
    assert shown(app)[0].held_because == "budget: 13.50 > 13.49"
    assert delivering.work(app, "test") is None
    assert gateway.messages() == []
    assert holding(app) == ("13.490", "0.000")


def test_the_second_wave_is_held_where_the_first_left_too_little(make: Make, gateway: RunningGateway) -> None:
    app = make("13.00", delivery=TWO_WAVES)
    delivering.begin(app, CASE)
    send_all_of(app, "pilot")
    assert held(app) == ("paused", "budget: 8.10 > 7.60")
    assert len(gateway.times()) == 108
    assert holding(app) == ("7.600", "5.400")


def send_all_of(app: Countersign, name: str) -> None:
    """Work until this wave is out, then settle."""
    while any(wave.waiting for wave in shown(app) if wave.name == name):
        delivering.work(app, "test")
    delivering.settle(app)


def test_what_a_gateway_rejects_or_loses_is_given_back_or_kept(make: Make, gateway: RunningGateway) -> None:
    app = make("13.50")
    delivering.begin(app, CASE)
    gateway.behave(drop_answers=5)
    send_all(app)
    assert gateway.stats()["repeated"] > 0
    assert_each_once(app, gateway)
    assert holding(app) == ("0.000", "13.500")


def test_what_nobody_knows_the_end_of_counts_as_spent(make: Make, gateway: RunningGateway) -> None:
    app = make("13.50", sms_guarantee="at_most_once")
    delivering.begin(app, CASE)
    gateway.behave(drop_answers=1)
    send_all(app)
    (wave,) = shown(app)
    assert wave.unknown > 0
    assert holding(app) == ("0.000", "13.500")


def test_two_workers_never_pass_what_was_committed(make: Make, gateway: RunningGateway) -> None:
    app = make("13.50")
    delivering.begin(app, CASE)
    with app.db.begin() as tx:  # half of it is gone by another way, after the wave began
        taken = store.Entry("gone", ACCOUNT, "committed", "actual", Decimal("7.00"), "spend", "test", CASE)
        store.post(tx, taken, at=app.now())
    workers = [threading.Thread(target=work_on, args=(app, f"w{n}")) for n in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert held(app) == ("paused", "budget: 2.50 > 1.50")
    assert len(gateway.times()) == 100
    assert holding(app) == ("1.500", "12.000")
    with app.db.begin() as tx:
        back = store.Entry("back", ACCOUNT, "actual", "committed", Decimal("7.00"), "unspent", "test", CASE)
        store.post(tx, back, at=app.now())


def work_on(app: Countersign, name: str) -> None:
    """Work until nothing may be sent."""
    while delivering.work(app, name) is not None:
        pass


def test_a_case_that_ends_while_a_chunk_is_out_gives_back_all_but_what_was_sent(
    make: Make, gateway: RunningGateway
) -> None:
    app = make("20.00")
    delivering.begin(app, CASE)
    gateway.behave(slow_seconds=1.0)
    worker = threading.Thread(target=delivering.work, args=(app, "slow"), kwargs={"limit": 50})
    worker.start()
    while holding(app)[1] == "0.000":
        pass
    running.carry_out(app, CASE, Cancel(actor="system", reason="停办"), key="cancel")
    worker.join()
    delivering.hold(app, CASE, "cancel")
    sent = len(gateway.times())
    committed, actual = holding(app)
    assert (committed, actual) == ("0.000", f"{Decimal('0.05') * sent:.3f}")
    with app.db.read() as tx:
        account = store.find(tx, ACCOUNT)
        assert account is not None and account.available == 40 - account.actual
        assert all(wave.state == "cancelled" for wave in waves.of_case(tx, CASE))


def test_a_case_without_a_budget_counts_nothing(db_url: str, tmp_path: Path, gateway: RunningGateway) -> None:
    app = delivering_case(db_url, tmp_path / "home", customers=300, sms_url=gateway.url)
    delivering.begin(app, CASE)
    send_all(app)
    with app.db.read() as tx:
        kept = sa.text("SELECT (SELECT count(*) FROM budget_postings) + (SELECT sum(segments) FROM chunks)")
        assert tx.execute(kept).scalar_one() == 0
    assert shown(app)[0].sent == TARGET
    app.close()
