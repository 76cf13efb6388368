"""Four dispatchers of notices, one killed every 200 ms: everybody is told, and nobody twice beyond the promise.

The promise is at least once: of what a killed dispatcher was sending, one message may go again.
"""

import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import sqlalchemy as sa

from engine.service import channels, preferences
from engine.service.app import Countersign
from engine.service.channels import ChannelChoice
from engine.service.holding import Address, Preferences
from engine.service.messaging import send_due
from engine.store import messages
from engine.store.messages import New, Ping
from engine.store.session import Database
from notifications.channels import sender
from tests.acceptance.offices import viewer
from tests.acceptance.telling_staff import staffed
from tests.servers.recorder import Recorder, recording
from tests.support import FULL, ROOT, kill, wait_until

MESSAGES = 10_000 if FULL else 300
KILLED = 10_000 if FULL else 40  # at most; what is left then is sent in peace
DISPATCHERS = 4
EVERY = 0.2
READER = "wangmin"


class Nursery:
    """Makes dispatchers, and kills the one that lives longest."""

    def __init__(self, orders: IO[str], born: IO[str]) -> None:
        self._orders, self._born = orders, born
        self.alive: deque[int] = deque()
        self.killed = 0

    def fill(self) -> None:
        """Have four of them."""
        while len(self.alive) < DISPATCHERS:
            self._orders.write("\n")
            self._orders.flush()
            self.alive.append(int(self._born.readline()))

    def kill_one(self) -> None:
        """End the oldest as a crash would."""
        kill(self.alive.popleft())
        self.killed += 1


@contextmanager
def nursery(app: Countersign) -> Iterator[Nursery]:
    """A nursery for the length of a block; nobody survives it."""
    url = app.db.url.render_as_string(hide_password=False)
    program = [sys.executable, "-m", "tests.faults.dispatchers", url, str(app.settings.home)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        made = Nursery(process.stdin, process.stdout)
        try:
            yield made
        finally:
            while made.alive:
                made.kill_one()
            process.stdin.close()


def queued(app: Countersign, url: str) -> set[str]:
    """Queue messages to one person's own address; their keys."""
    channels.set_channel(app, viewer(app, "machao"), "webhook", ChannelChoice(is_open=True))
    wanted = Preferences(channels={"task": ("webhook",)}, addresses={"webhook": Address(to=url + "/mine")})
    preferences.save(app, viewer(app, READER), wanted)
    circuit, keys = channels.circuit_of("webhook", wanted), {f"told-{n:05}" for n in range(MESSAGES)}
    with app.db.begin() as tx:
        for key in sorted(keys):
            new = New(key, READER, "webhook", circuit, "ping", "", Ping(), app.now())
            assert messages.put(tx, new, app.now())
    return keys


def left(app: Countersign, *, free: bool = False) -> int:
    """How many messages were not sent; those that nobody holds, where asked for."""
    where = "state = 'pending'" + (" AND lease_until IS NULL" if free else "")
    with app.db.read() as tx:
        return int(tx.execute(sa.text(f"SELECT count(*) FROM messages WHERE {where}")).scalar_one())


def times(here: Recorder) -> Counter[str]:
    """How often each message came."""
    return Counter(taken.headers["idempotency-key"] for taken in here.taken)


def storm(app: Countersign, here: Recorder, made: Nursery) -> None:
    """Kill one every 200 ms, as long as there is something that nobody holds; then all of them."""
    made.fill()
    while left(app, free=True) and made.killed < KILLED:
        came, since = len(here.taken), time.monotonic()
        time.sleep(EVERY)
        if len(here.taken) == came:  # a machine that is slower than that must get on nevertheless
            wait_until(
                lambda came=came: len(here.taken) > came or not left(app, free=True), seconds=60, what="a message"
            )
        assert time.monotonic() - since >= EVERY
        made.kill_one()
        made.fill()
    while made.alive:
        made.kill_one()


def test_four_dispatchers_of_whom_one_is_killed_every_200_ms_tell_everybody(db: Database, tmp_path: Path) -> None:
    app = staffed(db, tmp_path, private_addresses=True)
    with recording() as here, nursery(app) as made:
        keys = queued(app, here.url)
        rounds = 0
        while left(app):
            rounds += 1
            storm(app, here, made)
            with app.db.begin() as tx:  # nobody lives who holds one, and a minute passes
                tx.execute(sa.text("UPDATE messages SET lease_until = NULL"))
            while made.killed >= KILLED and send_due(app, sender(app.settings)) != (0, 0):
                pass
        counted, killed = times(here), made.killed
        print(f" [{MESSAGES} messages, {killed} killed in {rounds} rounds, {counted.total() - MESSAGES} twice]", end="")
    app.close()
    assert set(counted) == keys
    assert killed >= DISPATCHERS
    assert counted.total() - len(keys) <= killed
    with db.read() as tx:
        states = Counter(tx.execute(sa.text("SELECT state FROM messages")).scalars().all())
    assert states == Counter(sent=MESSAGES)
