"""Delivery workers killed at random points of a wave, for each promise, on both databases: after every kill the sum is
the audience, at the end the gateway's own log shows exactly the promise.

The quick form kills six times, the full one (`FULL_TESTS=1`) a hundred. The fourth promise, at_least_once, is that of
notices to staff: test_faults_notices_killed.py kills their senders.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.service import delivering
from engine.service.app import Countersign
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.nursery import nursery
from tests.servers.gateway import RunningGateway, running_gateway
from tests.support import FULL, wait_until

KILLS = 100 if FULL else 6
CUSTOMERS = 11_110 if FULL else 2_220
TARGET = CUSTOMERS * 9 // 10
LONGEST_LIFE = 0.3
SLOW = 0.05
PAST = "2020-01-01T00:00:00.000000+00:00"


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise, the gateway that it is given for, and chunks so small that a hundred lives do not use them up."""

    guarantee: str
    forgets: bool
    chunk: int
    drop_share: float


PROMISES = (
    Promise("exactly_once_effect", forgets=False, chunk=10 if FULL else 40, drop_share=0.1),
    Promise("query_then_send", forgets=True, chunk=10 if FULL else 40, drop_share=0.1),
    Promise("at_most_once", forgets=True, chunk=20 if FULL else 40, drop_share=0.0),
)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway that sends no receipts."""
    with running_gateway(tmp_path / "sms.log") as started:
        yield started


def of_state(app: Countersign) -> dict[str, set[str]]:
    """The message ids of the recipients in each state."""
    found: dict[str, set[str]] = {}
    with app.db.read() as tx:
        for row in tx.execute(sa.text('SELECT state, wave, "row" FROM recipients')):
            found.setdefault(row.state, set()).add(f"{row.wave}.{row.row}")
    return found


def claimed(app: Countersign) -> int:
    """How many chunks are in hand of a worker that lives, or died just now."""
    held = sa.text("SELECT count(*) FROM chunks WHERE state = 'claimed' AND lease_until > :past")
    with app.db.read() as tx:
        return int(tx.execute(held, {"past": PAST}).scalar_one())


def end_leases(app: Countersign) -> None:
    """Let half a minute pass for the chunks of workers that are gone."""
    with app.db.begin() as tx:
        tx.execute(sa.text("UPDATE chunks SET lease_until = :past WHERE state = 'claimed'"), {"past": PAST})
        tx.execute(sa.text("UPDATE chunks SET available_at = NULL"))


def quiet(gateway: RunningGateway) -> None:
    """Wait until the gateway is done with what dead workers sent it, as it would be when a lease ends."""
    wait_until(lambda: gateway.stats()["in_hand"] == 0 == gateway.stats()["in_hand"], what="the gateway's last request")


def check(app: Countersign, gateway: RunningGateway, promise: Promise, kills: int) -> dict[str, set[str]]:
    """What holds after every kill."""
    states = of_state(app)
    assert sum(map(len, states.values())) == TARGET
    assert set(states) <= {"waiting", "sent", "unknown"}
    sent = [message["id"] for message in gateway.messages()]
    assert len(sent) == len(set(sent)), "somebody was written to twice"
    assert states.get("sent", set()) <= set(sent), "somebody counts as sent who was not written to"
    if promise.guarantee == "at_most_once":
        assert len(states.get("unknown", ())) <= kills * promise.chunk
    else:
        assert "unknown" not in states
    return states


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.guarantee)
def test_the_promise_holds_over_kills_at_random_points(
    db_url: str, tmp_path: Path, gateway: RunningGateway, promise: Promise
) -> None:
    chances = random.Random(20)
    wave = f"{{name: main, share: rest, channel: sms, chunk: {promise.chunk}}}"
    delivery = f"\n  waves: [{wave}]\n  message: hi\n"
    more = {"sms_url": gateway.url, "sms_guarantee": promise.guarantee}
    app = delivering_case(db_url, tmp_path / "home", customers=CUSTOMERS, delivery=delivery, **more)
    delivering.begin(app, CASE)
    gateway.behave(slow_seconds=SLOW, drop_share=promise.drop_share, forgets=promise.forgets)
    interrupted, began = 0, time.monotonic()
    with nursery(app) as workers:
        for kills in range(1, KILLS + 1):
            pid = workers.worker()
            if chances.random() < 0.7:  # else it dies before it has claimed anything, or about then
                wait_until(lambda: claimed(app) > 0, what="a claim")
            time.sleep(chances.uniform(0, LONGEST_LIFE))
            workers.kill(pid)
            interrupted += claimed(app) > 0
            quiet(gateway)
            end_leases(app)
            states = check(app, gateway, promise, kills)
            assert states.get("waiting"), f"all was sent after {kills} kills"
    gateway.behave(forgets=promise.forgets)
    while of_state(app).get("waiting"):
        delivering.work(app, "last")
        end_leases(app)
    states = check(app, gateway, promise, KILLS)
    sent = {message["id"] for message in gateway.messages()}
    unknown = states.pop("unknown", set())
    assert set(states) == {"sent"}
    assert interrupted >= KILLS // 3
    assert sent >= states["sent"] and sent <= states["sent"] | unknown
    print(
        f"{promise.guarantee} {app.db.dialect_name}: {KILLS} kills, {interrupted} of them in a chunk; of {TARGET}"
        f" sent {len(states['sent'])}, unknown {len(unknown)} of whom {len(unknown & sent)} were reached;"
        f" {time.monotonic() - began:.0f} s"
    )
    app.close()
