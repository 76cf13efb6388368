"""Waves that hold, give up and wait, against a real gateway on both databases: pause, hours, expiry, cancelling, a
person's go, one rate for several workers. The sums are the audience at every look."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from engine import clock
from engine.errors import NotPossible
from engine.machine.commands import Operate, PauseDelivery, ResumeDelivery
from engine.service import delivering, running
from engine.service.app import Countersign
from engine.store import chunks, waves
from engine.store.session import database_now
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.nursery import nursery
from tests.faults.sending_case import (
    TARGET,
    Make,
    assert_each_once,
    gateway,
    make,
    send_all,
    shown,
    states_of,
)
from tests.faults.test_faults_capped import WEEKLY, held, in_force
from tests.servers.gateway import RunningGateway
from tests.support import wait_until

__all__ = ["gateway", "make"]
At = Callable[[str], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> At:
    """Sets the business clock to a day and time in Shanghai: "1 19:59" is tomorrow, a minute before eight."""
    hands, today = tmp_path / "clock", clock.now().astimezone(ZoneInfo("Asia/Shanghai"))
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(hands))

    def set_to(text: str) -> None:
        days, _, moment = text.partition(" ")
        hour, _, minute = moment.partition(":")
        wanted = today.replace(hour=int(hour), minute=int(minute), second=0) + timedelta(days=int(days))
        clock.move(hands, wanted - clock.now())

    return set_to


def planned(*more: str, chunk: int = 50) -> str:
    """A plan of one wave with this."""
    wave = ", ".join(("name: w", "share: rest", "channel: sms", f"chunk: {chunk}", *more))
    return f"\n  message: hi\n  waves: [{{{wave}}}]\n"


def reasons(app: Countersign) -> set[str]:
    with app.db.read() as tx:
        return set(tx.execute(sa.text("SELECT reason FROM recipients WHERE reason <> ''")).scalars())


def state(app: Countersign) -> str:
    (wave,) = shown(app)
    return wave.state


def test_a_pause_takes_effect_within_five_seconds_in_the_middle_of_a_large_chunk(
    db_url: str, tmp_path: Path, gateway: RunningGateway
) -> None:
    app = delivering_case(db_url, tmp_path / "home", customers=4000, sms_url=gateway.url, delivery=planned(chunk=2000))
    delivering.begin(app, CASE)
    gateway.behave(slow_seconds=1.0)  # eight requests of a hundred at once: the wave takes five seconds
    sending = threading.Thread(target=delivering.work, args=(app, "test"))
    sending.start()
    wait_until(lambda: len(gateway.messages()) >= 100, what="the first messages")
    running.carry_out(app, CASE, PauseDelivery(actor="li", reason="wrong price"), key="p1")
    paused_at = app.now()
    sending.join()
    last = max(datetime.fromisoformat(message["at"]) for message in gateway.messages())
    assert last - paused_at < timedelta(seconds=5)
    assert 100 <= len(gateway.messages()) <= 2400
    delivering.hold(app, CASE, "pause")
    assert delivering.work(app, "test") is None
    running.carry_out(app, CASE, ResumeDelivery(actor="li"), key="r1")
    delivering.hold(app, CASE, "resume")
    gateway.behave()
    send_all(app)
    assert_each_once(app, gateway, 3600)
    app.close()


def test_an_hour_that_ends_in_the_middle_of_a_wave_holds_it_until_the_next_morning(
    make: Make, gateway: RunningGateway, at: At
) -> None:
    app = make(delivery=planned('hours: "09:00-20:00"'))
    at("0 19:59")
    delivering.begin(app, CASE)
    delivering.work(app, "test", limit=100)
    assert 100 <= len(gateway.messages()) < TARGET
    before = len(gateway.messages())
    at("0 20:00")
    assert delivering.work(app, "test") is None
    delivering.settle(app)
    assert len(gateway.messages()) == before and shown(app)[0].waiting == TARGET - before
    at("1 08:59")
    assert delivering.work(app, "test") is None
    at("1 09:00")
    send_all(app)
    assert_each_once(app, gateway)


def test_what_does_not_go_out_in_its_hours_is_dropped_where_the_wave_says_so(
    make: Make, gateway: RunningGateway, at: At
) -> None:
    app = make(delivery=planned('hours: "09:00-20:00"', "outside: drop"))
    at("0 07:00")
    delivering.begin(app, CASE)
    delivering.settle(app)
    assert states_of(app) == {"waiting": TARGET}
    at("0 19:59")
    delivering.work(app, "test", limit=100)
    sent = len(gateway.messages())
    at("1 09:30")
    assert delivering.work(app, "test") is None, "its hours are over, though others have begun"
    delivering.settle(app)
    assert states_of(app) == {"sent": sent, "suppressed": TARGET - sent}
    assert reasons(app) == {"outside hours"} and state(app) == "done"
    assert_each_once(app, gateway, sent)


def test_a_wave_expires_and_what_waits_is_cancelled(make: Make, gateway: RunningGateway, at: At) -> None:
    app = make(delivery=planned('hours: "09:00-20:00"', "outside: expire", "expires: 1d"))
    at("0 19:00")  # first: a policy that is decided later than the wave begins does not hold for it
    in_force(app, **WEEKLY)
    delivering.begin(app, CASE)
    delivering.work(app, "test", limit=100)
    sent = len(gateway.messages())
    at("1 18:59")
    delivering.settle(app)
    assert states_of(app) == {"sent": sent, "waiting": TARGET - sent}
    at("1 19:01")
    assert delivering.work(app, "test") is None
    delivering.settle(app)
    assert states_of(app) == {"sent": sent, "cancelled": TARGET - sent}
    assert reasons(app) == {"the wave expired"} and state(app) == "done"
    assert held(app).total() == sent, "only what was sent counts as contact"


def test_voiding_cancels_what_waits_in_the_same_moment(make: Make, gateway: RunningGateway) -> None:
    app = make(delivery=planned())
    in_force(app, **WEEKLY)
    delivering.begin(app, CASE)
    delivering.work(app, "test", limit=100)
    sent = len(gateway.messages())
    running.carry_out(app, CASE, Operate(actor="li", operation="void", reason="the offer ended"), key="v1")
    delivering.hold(app, CASE, "cancel")
    assert states_of(app) == {"sent": sent, "cancelled": TARGET - sent}
    assert reasons(app) == {"the delivery was cancelled"} and state(app) == "cancelled"
    assert shown(app)[0].cancelled == TARGET - sent
    delivering.hold(app, CASE, "cancel")
    delivering.settle(app)
    assert delivering.work(app, "test") is None
    assert states_of(app) == {"sent": sent, "cancelled": TARGET - sent}
    assert held(app).total() == sent
    assert_each_once(app, gateway, sent)


def test_what_a_worker_has_in_hand_when_its_wave_is_cancelled_stays_sent(make: Make, gateway: RunningGateway) -> None:
    app = make(delivery=planned())
    delivering.begin(app, CASE)
    gateway.behave(slow_seconds=1.5)
    sending = threading.Thread(target=delivering.work, args=(app, "test"), kwargs={"limit": 100})
    sending.start()
    wait_until(lambda: gateway.stats()["in_hand"] >= 2, what="two requests")
    delivering.hold(app, CASE, "cancel")
    now = states_of(app)
    assert now["waiting"] % 50 == 0 and 0 < now["waiting"] <= 200
    assert now["cancelled"] == TARGET - now["waiting"]
    shown(app)
    sending.join()
    delivering.settle(app)
    sent = len(gateway.messages())
    assert states_of(app) == {"sent": sent, "cancelled": TARGET - sent} and sent >= 100


def test_what_an_interrupted_attempt_may_have_reached_is_unknown_when_its_wave_is_cancelled(
    make: Make, gateway: RunningGateway
) -> None:
    app = make(delivery=planned())
    delivering.begin(app, CASE)
    with app.db.begin() as tx:  # one worker died an hour ago, another is at it
        an_hour_ago = database_now(tx) - timedelta(hours=1)
        assert chunks.claim(tx, f"{CASE}-w1", an_hour_ago, timedelta(minutes=5))
        alive = chunks.claim(tx, f"{CASE}-w1", an_hour_ago, timedelta(hours=2))
        assert alive is not None and alive.position == 1
    delivering.hold(app, CASE, "cancel")
    assert states_of(app) == {"cancelled": TARGET - 100, "unknown": 50, "waiting": 50}
    with app.db.begin() as tx:
        tx.execute(sa.text("UPDATE chunks SET lease_until = '2020-01-01T00:00:00.000000+00:00' WHERE state='claimed'"))
    delivering.settle(app)
    assert states_of(app) == {"cancelled": TARGET - 100, "unknown": 100}
    assert reasons(app) == {"the delivery was cancelled", "ended after an interrupted attempt"}
    with app.db.begin() as tx:
        assert not chunks.close(tx, alive), "who comes back too late marks nothing"
    assert gateway.messages() == []


def test_a_wave_waits_for_a_persons_go(make: Make, gateway: RunningGateway) -> None:
    two = "{name: pilot, size: 50, channel: sms}, {name: main, share: rest, channel: sms, go: person}"
    app = make(delivery=f"\n  message: hi\n  waves: [{two}]\n")
    delivering.begin(app, CASE)
    for _ in range(3):
        delivering.work(app, "test")
        delivering.settle(app)
    pilot, main = shown(app)
    assert (pilot.state, main.state, main.waits_for_go, main.waiting) == ("done", "planned", True, TARGET - 50)
    delivering.release_gate(app, CASE, by="li")
    assert shown(app)[1].state == "running" and not shown(app)[1].waits_for_go
    send_all(app)
    assert_each_once(app, gateway)
    with app.db.read() as tx:
        assert [wave.let_go_by for wave in waves.of_case(tx, CASE)] == ["", "li"]
    with pytest.raises(NotPossible):
        delivering.release_gate(app, CASE, by="li")


def test_a_wave_that_cannot_finish_in_its_time_says_how_many_it_leaves_behind(make: Make, at: At) -> None:
    app = make(delivery=planned('hours: "09:00-20:00"', "rate: 10/h", "outside: drop"))
    at("0 18:00")
    delivering.begin(app, CASE)
    (wave,) = shown(app)
    assert wave.too_many in range(TARGET - 20, TARGET - 18)
    assert wave.ends_at is not None and wave.ends_at.astimezone(app.settings.zone).hour == 20


def test_two_workers_share_one_rate(db_url: str, tmp_path: Path, gateway: RunningGateway) -> None:
    per_second = 100
    plan = planned(f"rate: {per_second}/s", chunk=10)
    app = delivering_case(db_url, tmp_path / "home", customers=2000, sms_url=gateway.url, delivery=plan)
    delivering.begin(app, CASE)
    with nursery(app) as workers:
        workers.worker()
        workers.worker()
        wait_until(lambda: len(gateway.messages()) >= 200, seconds=20, what="two seconds of sending")
        running.carry_out(app, CASE, PauseDelivery(actor="li", reason="enough"), key="p1")
        handled = [workers.line() for _ in range(2)]
    times = sorted(datetime.fromisoformat(message["at"]) for message in gateway.messages())
    for index, first in enumerate(times):  # over any span: the rate, a chunk, and what was on its way at both ends
        seconds = (times[-1] - first).total_seconds()
        assert len(times) - index <= per_second * (seconds + 0.5) + 10
    assert all(int(line.removeprefix("handled ")) > 0 for line in handled)
    assert set(gateway.times().values()) == {1}
    app.close()
