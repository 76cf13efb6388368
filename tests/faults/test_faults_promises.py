"""What each promise costs and keeps against a gateway that forgets ids: nobody twice, and who is in doubt is told."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.service import delivering
from engine.service.app import Countersign
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.sending_case import TARGET, send_all, shown, states_of
from tests.servers.gateway import RunningGateway, running_gateway

Make = Callable[[str], Countersign]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway that knows no idempotency keys."""
    with running_gateway(tmp_path / "sms.log") as started:
        started.behave(forgets=True)
        yield started


@pytest.fixture
def make(db_url: str, tmp_path: Path, gateway: RunningGateway) -> Iterator[Make]:
    """Opens the application, whose settings know what the gateway can do."""
    opened: list[Countersign] = []

    def opening(guarantee: str) -> Countersign:
        more = {"sms_url": gateway.url, "sms_guarantee": guarantee}
        opened.append(delivering_case(db_url, tmp_path / "home", customers=300, **more))
        delivering.begin(opened[-1], CASE)
        return opened[-1]

    yield opening
    for app in opened:
        app.close()


def end_leases(app: Countersign) -> None:
    with app.db.begin() as tx:
        past = "2020-01-01T00:00:00.000000+00:00"
        tx.execute(sa.text("UPDATE chunks SET lease_until = :past WHERE state = 'claimed'"), {"past": past})
        tx.execute(sa.text("UPDATE chunks SET available_at = NULL"))


def test_this_gateway_does_send_twice_what_is_sent_twice(make: Make, gateway: RunningGateway) -> None:
    app = make("exactly_once_effect")
    gateway.behave(forgets=True, drop_answers=1)
    send_all(app)
    assert max(gateway.times().values()) == 2


def test_where_nobody_can_be_asked_a_lost_answer_is_in_doubt_and_not_repeated(
    make: Make, gateway: RunningGateway
) -> None:
    app = make("at_most_once")
    gateway.behave(forgets=True, drop_answers=1)
    send_all(app)
    assert states_of(app) == {"sent": TARGET - 50, "unknown": 50}
    assert set(gateway.times().values()) == {1}
    assert len(gateway.times()) == TARGET
    (wave,) = shown(app)
    assert str(wave.cost) == "13.50"  # what may have gone out is paid for


def test_where_it_can_be_asked_it_is_asked_and_nobody_is_left_out_or_reached_twice(
    make: Make, gateway: RunningGateway
) -> None:
    app = make("query_then_send")
    gateway.behave(forgets=True, drop_answers=3)
    send_all(app)
    assert gateway.stats()["queries"] >= 3
    assert states_of(app) == {"sent": TARGET}
    assert (len(gateway.times()), set(gateway.times().values())) == (TARGET, {1})


def test_while_it_does_not_answer_when_asked_nothing_is_sent(make: Make, gateway: RunningGateway) -> None:
    app = make("query_then_send")
    gateway.behave(forgets=True, drop_answers=-1)
    delivering.work(app, "test")
    before = gateway.stats()["accepted"]
    gateway.behave(forgets=True, refuse=-1)
    end_leases(app)
    progress = delivering.work(app, "test", limit=50)
    assert progress is not None
    assert progress.error == "the gateway answered 503"
    assert gateway.stats()["accepted"] == before
    gateway.behave(forgets=True)
    end_leases(app)
    send_all(app)
    assert (len(gateway.times()), set(gateway.times().values())) == (TARGET, {1})
    assert states_of(app) == {"sent": TARGET}


@pytest.mark.parametrize("guarantee", ["at_most_once", "query_then_send"])
def test_what_is_surely_not_taken_waits_and_is_sent_later(make: Make, gateway: RunningGateway, guarantee: str) -> None:
    app = make(guarantee)
    gateway.behave(forgets=True, too_many=2, retry_after=0)
    send_all(app)
    assert states_of(app) == {"sent": TARGET}
    assert set(gateway.times().values()) == {1}
