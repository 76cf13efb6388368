"""Waves under a contact policy, on both databases: who has no contact left is suppressed, and every sum adds up."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from engine import clock
from engine.audience.policy import Approach
from engine.service import delivering, permits, policies
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.store import reports
from engine.warehouse import contacts
from engine.warehouse.dataset import Column, Dataset, Table
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.sending_case import TARGET, assert_each_once, send_all, shown, states_of
from tests.servers.gateway import RunningGateway, running_gateway
from tests.warehouse.selecting_by_hand import written_by_an_earlier_release

Make = Callable[..., Countersign]
WEEKLY = {"caps": [{"most": 1, "within": "7d", "channel": "sms"}]}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway that sends no receipts."""
    with running_gateway(tmp_path / "sms.log") as started:
        yield started


@pytest.fixture
def app(db_url: str, tmp_path: Path, gateway: RunningGateway) -> Iterator[Countersign]:
    """The application with a case of 300 customers that is delivering, 30 of them in the control group."""
    opened = delivering_case(db_url, tmp_path / "home", customers=300, sms_url=gateway.url)
    yield opened
    opened.close()


def in_force(app: Countersign, **policy: Any) -> None:
    """The policy, proposed by the operator and confirmed by somebody else."""
    policies.propose(app, OPERATOR, policy, reason="fewer messages")
    newest = policies.show(app, OPERATOR).versions[0].version
    with app.db.begin() as tx:
        tx.execute(sa.text("UPDATE contact_policies SET proposed_by = 'li' WHERE version = :v"), {"v": newest})
    policies.decide(app, OPERATOR, newest, confirm=True)


def imported(app: Countersign, customers: range, *, days: int, channel: str = "sms", purpose: str = "") -> None:
    """A contact of each of these customers by another system, so many days ago; what for is not said by default."""
    at = (app.now() - timedelta(days=days)).astimezone(UTC).replace(tzinfo=None)
    ids = [f"k{n:07}" for n in customers]
    columns = {"customer": ids, "channel": [channel] * len(ids), "case_number": ["crm-7"] * len(ids)}
    table = pa.table(columns).append_column("at", pa.array([at] * len(ids), pa.timestamp("us")))
    if purpose:
        contacts.append(Dataset(app.settings.data), table.append_column("purpose", pa.array([purpose] * len(ids))))
    else:
        written_by_an_earlier_release(Dataset(app.settings.data), table)


def held(app: Countersign) -> Counter[str]:
    with app.db.read() as tx:
        return Counter(tx.execute(sa.text("SELECT customer FROM permits")).scalars())


def reasons(app: Countersign) -> dict[str, int]:
    with app.db.read() as tx:
        rows = tx.execute(sa.text("SELECT reason, count(*) FROM recipients WHERE state='suppressed' GROUP BY reason"))
        return dict(rows.all())  # type: ignore[arg-type]


def test_without_a_policy_nothing_is_held(app: Countersign, gateway: RunningGateway) -> None:
    delivering.begin(app, CASE)
    send_all(app)
    assert_each_once(app, gateway)
    assert held(app) == Counter() and not list(app.settings.data.rglob("*-contacts-*"))


def test_who_was_contacted_elsewhere_is_suppressed_with_the_reason(app: Countersign, gateway: RunningGateway) -> None:
    imported(app, range(100), days=3)
    imported(app, range(100, 150), days=8)
    imported(app, range(150, 200), days=3, channel="call")
    imported(app, range(200, 250), days=3, purpose="service")
    imported(app, range(50), days=3, purpose="marketing")
    in_force(app, caps=[{"most": 1, "within": "7d", "channel": "sms", "purpose": "marketing"}])
    delivering.begin(app, CASE)
    send_all(app)
    assert states_of(app) == {"sent": TARGET - 90, "suppressed": 90}, "of a hundred ten are in the control group"
    assert reasons(app) == {"contact_policy: 1 in 7d sms marketing": 90}, "who knows not what for counts it"
    (wave,) = shown(app)
    assert (wave.suppressed, wave.capped) == (90, 90)
    with app.db.read() as tx:
        contacts = reports.contacts_by_cell(tx, CASE)
        assert reports.customers_reached(tx, CASE, contacts) == (TARGET - 90, 0)
        assert reports.customers_capped(tx, CASE) == 90
    assert_each_once(app, gateway, TARGET - 90)
    assert held(app).total() == TARGET - 90 and set(held(app).values()) == {1}
    answer = permits.hold(app, CASE, "other-w1", Approach("sms"), ["k0000000", "k0000120", "k0000209"])
    assert answer.granted == ("k0000209",), "who is in the control group was not contacted, and once for service"
    assert [one.reached.cases for one in answer.refused] == [("crm-7",), ("430102-2026-00001",)]


def test_what_the_gateway_surely_did_not_take_is_given_back(app: Countersign, gateway: RunningGateway) -> None:
    in_force(app, **WEEKLY)
    delivering.begin(app, CASE)
    gateway.behave(too_many=-1, retry_after=1)
    assert delivering.work(app, "test") is not None
    assert held(app) == Counter() and states_of(app) == {"waiting": TARGET}
    gateway.behave(drop_answers=-1)
    while not (done := delivering.work(app, "test")) or not done.returned:
        pass
    assert held(app).total() >= 50, "what may have been sent is held"
    gateway.behave()
    send_all(app)
    assert_each_once(app, gateway)
    assert held(app).total() == TARGET


def test_a_policy_counts_what_was_sent_before_it_was_in_force(app: Countersign, gateway: RunningGateway) -> None:
    delivering.begin(app, CASE)
    send_all(app)
    assert held(app) == Counter()
    in_force(app, **WEEKLY)
    assert held(app).total() == TARGET
    assert not permits.hold(app, CASE, "other-w1", Approach("sms"), ["k0000000"]).granted
    in_force(app)
    assert permits.hold(app, CASE, "other-w1", Approach("sms"), ["k0000000"]).granted, "an empty policy ends it"


def with_halls(app: Countersign, count: int, field: str = "hall") -> None:
    """Say of each customer whose hall is theirs: one of `count`."""
    dataset = Dataset(app.settings.data)
    customers = dataset.current().tables["customers"]
    table = pa.concat_tables(pq.read_table(path) for path in dataset.paths(customers))
    table = table.append_column(field, pa.array([f"h{n % count}" for n in range(table.num_rows)]))
    with dataset.fresh_file("customers") as path:
        pq.write_table(table, path)
        file = dataset.keep("customers", path, table.num_rows)
    dataset.replace("customers", Table((*customers.columns, Column(field, "text")), (file,)))


def next_day(app: Countersign, hands: Path) -> None:
    """A day later by the business clock and by the database's."""
    clock.move(hands, timedelta(days=1))
    with app.db.begin() as tx:
        tx.execute(sa.text("UPDATE chunks SET available_at = NULL"))


def work(app: Countersign) -> None:
    for _ in range(4):
        delivering.work(app, "test")
    delivering.settle(app)


def test_a_hall_carries_so_many_a_day_and_the_others_of_its_customers_wait(
    app: Countersign, gateway: RunningGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = tmp_path / "clock"
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(hands))
    with_halls(app, 3)
    in_force(app, capacity_each={"hall": {"by": "hall", "per_day": 40}})
    delivering.begin(app, CASE)
    work(app)
    assert states_of(app) == {"sent": 120, "waiting": TARGET - 120}
    view = policies.show(app, OPERATOR)
    assert [(one.kind, one.name, one.used, one.most) for one in view.carried_by] == [
        ("hall", name, 40, 40) for name in ("h0", "h1", "h2")
    ]
    work(app)
    assert states_of(app)["sent"] == 120, "nothing more goes on that day"
    next_day(app, hands)
    work(app)
    assert states_of(app) == {"sent": 240, "waiting": TARGET - 240}
    next_day(app, hands)
    work(app)
    assert states_of(app) == {"sent": TARGET}
    assert_each_once(app, gateway)
    assert held(app).total() == TARGET


def test_a_hand_off_keeps_what_it_had_when_the_rest_of_a_chunk_follows(
    db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = tmp_path / "clock"
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(hands))
    by_file = "\n  waves: [{name: calls, share: rest, channel: file, chunk: 50}]\n"
    app = delivering_case(db_url, tmp_path / "files", customers=100, delivery=by_file)
    with_halls(app, 2, "agent")
    in_force(app, capacity_each={"agent": {"by": "agent", "per_day": 35}})
    delivering.begin(app, CASE)
    work(app)
    assert states_of(app) == {"sent": 70, "waiting": 20}
    next_day(app, hands)
    work(app)
    assert states_of(app) == {"delivered": 90}
    (file,) = app.settings.data.rglob("*-calls-file.csv")
    listed = [line.partition(",")[0] for line in file.read_text().splitlines()[1:]]
    assert len(listed) == len(set(listed)) == 90
    app.close()


def test_a_channel_that_is_full_sends_the_rest_another_day(app: Countersign, gateway: RunningGateway) -> None:
    in_force(app, capacity={"sms": 110})
    delivering.begin(app, CASE)
    for _ in range(12):
        delivering.work(app, "test")
    assert states_of(app) == {"sent": 100, "waiting": TARGET - 100}, "two chunks of fifty; a third does not fit"
    with app.db.read() as tx:
        errors = set(tx.execute(sa.text("SELECT error FROM chunks WHERE state <> 'done'")).scalars())
    assert errors == {"the channel carries no more contacts today"}
    view = policies.show(app, OPERATOR)
    assert [(one.channel, one.used, one.most) for one in view.carried] == [("sms", 100, 110)]
    assert len(gateway.times()) == 100
