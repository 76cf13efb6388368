"""PostgreSQL restarted every few seconds under a delivery and commands: no acknowledged command is lost, none counts
twice, nobody is missed or written to twice, and all goes on within five seconds of every restart.

The quick form restarts it three times, the full one (`FULL_TESTS=1`) for a minute.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from engine.errors import Unavailable
from engine.machine.commands import PauseDelivery, ResumeDelivery
from engine.service import delivering, running
from engine.service.app import Countersign
from engine.store import history
from engine.store.session import Database
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.sending_case import shown
from tests.faults.test_faults_kills import end_leases, of_state
from tests.servers.gateway import RunningGateway, running_gateway
from tests.servers.postgres import PostgresServer, create_database
from tests.support import FULL

RESTARTS = 17 if FULL else 3
CUSTOMERS = 11_110 if FULL else 2_220
TARGET = CUSTOMERS * 9 // 10
PLAN = "\n  message: hi\n  waves: [{name: w, share: rest, channel: sms, chunk: 20, rate: 150/s}]\n"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway that sends no receipts."""
    with running_gateway(tmp_path / "sms.log") as started:
        yield started


@dataclass
class Load:
    """What goes on while the server restarts: a worker that sends, and commands one after another."""

    app: Countersign
    over: threading.Event = field(default_factory=threading.Event)
    acknowledged: list[str] = field(default_factory=list)
    answered_at: list[float] = field(default_factory=list)
    sent_at: list[float] = field(default_factory=list)
    unavailable: int = 0

    def patiently(self, act: Callable[[], object]) -> None:
        """Do it until the database lets it be done; what is lost in between is asked again under the same key."""
        while True:
            try:
                act()
                return
            except Unavailable:
                self.unavailable += 1
                time.sleep(0.05)

    def send(self) -> None:
        """Work as the flow does."""

        def turn() -> None:
            done = delivering.work(self.app, "worker", limit=100)
            if done and done.sent:
                self.sent_at.append(time.monotonic())
            elif not done:
                time.sleep(0.02)

        while not self.over.is_set():
            self.patiently(turn)

    def command(self) -> None:
        """Pause and resume in turn, each with a key."""
        for number in range(1, 10_000):
            if self.over.is_set() and number % 2:
                return
            pause = number % 2
            order = PauseDelivery(actor="li", reason=f"n{number}") if pause else ResumeDelivery(actor="li")
            self.patiently(lambda order=order, key=f"k{number}": running.carry_out(self.app, CASE, order, key=key))
            self.acknowledged.append(f"k{number}")
            self.answered_at.append(time.monotonic())
            time.sleep(0.05 if pause else 0.3)


def longest_wait(restarted: list[float], happened: list[float]) -> float:
    """The longest time from a restart to the next that happened."""
    return max(min(moment for moment in happened if moment > again) - again for again in restarted)


def test_restarts_lose_no_command_and_no_recipient(
    pg_restarting: PostgresServer, tmp_path: Path, gateway: RunningGateway
) -> None:
    chances = random.Random(7)
    url = create_database(pg_restarting.url, "restarting")
    Database(url).migrate()
    app = delivering_case(url, tmp_path / "home", customers=CUSTOMERS, sms_url=gateway.url, delivery=PLAN)
    delivering.begin(app, CASE)
    load, restarted = Load(app), []
    threads = [threading.Thread(target=work) for work in (load.send, load.command)]
    for thread in threads:
        thread.start()
    for _ in range(RESTARTS):
        time.sleep(chances.uniform(2, 5))
        pg_restarting.restart()
        restarted.append(time.monotonic())
    time.sleep(5)
    load.over.set()
    for thread in threads:
        thread.join()
    wait = longest_wait(restarted, load.answered_at)
    assert wait < 5, "commands go on"
    with app.db.read() as tx:
        entries = history.load(tx, CASE)
    assert all(entry.previous == before.hash for before, entry in pairwise(entries)), "the history has a gap"
    pauses = Counter(entry.command.reason for entry in entries if isinstance(entry.command, PauseDelivery))
    assert set(pauses.values()) == {1}, "a command counts twice"
    assert set(pauses) == {f"n{key[1:]}" for key in load.acknowledged if int(key[1:]) % 2}, "a command was lost"
    assert len(entries) == 1 + len(load.acknowledged)
    assert load.unavailable > 0
    shown(app)
    end_leases(app)
    while of_state(app).get("waiting"):
        load.patiently(lambda: delivering.work(app, "last"))
        end_leases(app)
    times = gateway.times()
    assert (len(times), set(times.values())) == (TARGET, {1})
    assert set(of_state(app)) == {"sent"}
    print(
        f"{RESTARTS} restarts: {len(load.acknowledged)} commands, the next one {wait:.1f} s after a restart at most,"
        f" sending {longest_wait(restarted, load.sent_at):.1f} s; {load.unavailable} times told that it is away"
    )
    app.close()
