"""Everything that can go wrong around a delivery, in random order and under load: the gateway refuses, is slow, answers
500, 429, garbage or half a batch, loses its answers, is away; another process locks the database; the disk is full.

Every error is one that says what it is, reading goes on, nothing is half-written, all goes on by itself, and everybody
gets exactly one message. The quick form lasts some seconds, the full one (`FULL_TESTS=1`) a minute on each database.
"""

import os
import random
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa

from engine.errors import NoSpace, Unavailable
from engine.machine.commands import PauseDelivery, ResumeDelivery
from engine.service import delivering, running
from engine.service.app import Countersign
from engine.store import history
from engine.store.session import Database
from tests.conftest import lacking
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.test_faults_delivery import assert_each_once, shown, states_of
from tests.faults.test_faults_kills import end_leases
from tests.faults.test_faults_places import locked
from tests.servers.gateway import RunningGateway, running_gateway
from tests.servers.postgres import PostgresServer, execute, make_folder
from tests.support import FULL, SERVER_FOLDER, wait_until

SECONDS = 60 if FULL else 6
CUSTOMERS = 13_330 if FULL else 1_330
TARGET = CUSTOMERS * 9 // 10
PLAN = "\n  message: hi\n  waves: [{name: w, share: rest, channel: sms, chunk: 20, rate: 200/s}]\n"
READ_IN = 5.0  # seconds, on a machine that does much else
SMALL_DISK = "64m"
FULL_DISK = "disk full"

Weather = Callable[[], AbstractContextManager[object]]


@dataclass
class Load:
    """What goes on in the storm: a worker that sends, commands one after another, somebody who looks."""

    app: Countersign
    over: threading.Event = field(default_factory=threading.Event)
    told: Counter[str] = field(default_factory=Counter)
    said: set[str] = field(default_factory=set)
    acknowledged: int = 0
    reads: list[float] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    def go(self) -> list[threading.Thread]:
        """Begin all of it."""
        threads = [
            threading.Thread(target=self._kept, args=(work,)) for work in (self._send, self._command, self._look)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _kept(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as failure:
            self.failures.append(failure)

    def patiently(self, act: Callable[[], object]) -> None:
        """Do it until it can be done. Only an error that says what is not available may come in between."""
        while True:
            try:
                act()
                return
            except Unavailable as error:
                self.told[type(error).__name__] += 1
                self.said.add(error.message)
                time.sleep(0.05)

    def _send(self) -> None:
        while not self.over.is_set():
            self.patiently(self._turn)

    def _turn(self) -> None:
        if delivering.work(self.app, "worker", limit=100) is None:
            time.sleep(0.02)

    def _command(self) -> None:
        for number in range(1, 100_000):
            if self.over.is_set() and number % 2:
                return
            is_pause = number % 2
            order = PauseDelivery(actor="li", reason=f"n{number}") if is_pause else ResumeDelivery(actor="li")
            self.patiently(lambda order=order, key=f"k{number}": running.carry_out(self.app, CASE, order, key=key))
            self.acknowledged += 1
            time.sleep(0.02 if is_pause else 0.2)

    def _look(self) -> None:
        while not self.over.is_set():
            began = time.monotonic()
            with self.app.db.read() as tx:
                (view,) = delivering.waves_view(self.app, tx, CASE)
            self.reads.append(time.monotonic() - began)
            settled = (view.sent, view.delivered, view.failed, view.unknown, view.suppressed, view.cancelled)
            assert view.waiting + sum(settled) == view.audience == TARGET
            time.sleep(0.02)


def filled_sqlite(app: Countersign) -> Weather:
    """No file of the database may grow in any connection of ours: a full disk, as SQLite tells it."""
    filled = threading.Event()

    @sa.event.listens_for(app.db.engine, "begin")
    def limit(connection: sa.Connection) -> None:
        count = connection.exec_driver_sql("PRAGMA page_count").scalar_one() if filled.is_set() else 1 << 30
        connection.exec_driver_sql(f"PRAGMA max_page_count={count}")

    @contextmanager
    def full() -> Iterator[None]:
        filled.set()
        yield
        filled.clear()

    return full


def filled_postgresql(url: str) -> Weather:
    """Another program fills the disk of the database to the last page."""

    @contextmanager
    def full() -> Iterator[None]:
        connection = psycopg2.connect(url.replace("+psycopg2", ""))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE filler (words text)")
            for rows in (2000, 100, 1):
                with suppress(psycopg2.errors.DiskFull):
                    while True:
                        cursor.execute(f"INSERT INTO filler SELECT repeat('x', 1500) FROM generate_series(1, {rows})")
            yield
            cursor.execute("DROP TABLE filler")
        connection.close()

    return full


@pytest.fixture
def small_server(pg_server: str) -> Iterator[PostgresServer]:
    """A server of its own whose tablespace `small` lies on a small disk that only it sees."""
    folder = make_folder(Path(os.environ[SERVER_FOLDER]).parent)
    disk = folder / "small"
    disk.mkdir()
    if os.geteuid() != 0:
        lacking("NO SMALL DISK: PostgreSQL gets one from root only")
    user = PostgresServer.account()
    become = f"setpriv --reuid={user.pw_uid} --regid={user.pw_gid} --clear-groups"
    mounted = (
        f'mount -t tmpfs -o size={SMALL_DISK},mode=0700,uid={user.pw_uid} tmpfs "{disk}" && exec {become} "$0" "$@"'
    )
    inside = ["unshare", "--mount", "sh", "-c", mounted]
    try:
        subprocess.run([*inside, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        lacking("NO SMALL DISK: this machine lets nobody mount one (unshare --mount)")
    server = PostgresServer(folder, durable=True, inside=inside)
    server.start()
    execute(server.url, f"CREATE TABLESPACE small LOCATION '{disk}'")
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """A migrated database whose disk can be filled."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    server: PostgresServer = request.getfixturevalue("small_server")
    execute(server.url, "CREATE DATABASE storm TEMPLATE template0 TABLESPACE small")
    found = server.url.rsplit("/", 1)[0] + "/storm"
    db = Database(found)
    db.migrate()
    db.close()
    return found


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway that sends no receipts."""
    with running_gateway(tmp_path / "sms.log") as started:
        yield started


def weathers(app: Countersign, gateway: RunningGateway, url: str) -> dict[str, Weather]:
    """What can come, by name; each lasts for as long as the block."""

    def behaving(**how: Any) -> Weather:
        @contextmanager
        def behave() -> Iterator[None]:
            gateway.behave(**how)
            yield
            gateway.behave()

        return behave

    @contextmanager
    def away() -> Iterator[None]:
        gateway.kill()
        yield
        gateway.start()

    return {
        "refuses": behaving(refuse=-1),
        "is slow": behaving(slow_seconds=0.5),
        "answers 500": behaving(broken=-1),
        "answers 429": behaving(too_many=-1, retry_after=1),
        "answers garbage": behaving(garbage=-1),
        "takes half a batch": behaving(half=-1),
        "loses its answers": behaving(drop_share=0.5),
        "is away": away,
        "database locked": lambda: locked(url, 1.0),
        FULL_DISK: filled_sqlite(app) if app.db.dialect_name == "sqlite" else filled_postgresql(url),
    }


def in_storm(known: dict[str, Weather], load: Load, chances: random.Random) -> Counter[str]:
    """Each of them at least once, in random order, until the time is over; a full disk lasts until it was met."""
    came: Counter[str] = Counter()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end or len(came) < len(known):
        for name in chances.sample(sorted(known), len(known)):
            told = load.told[NoSpace.__name__]
            with known[name]():
                time.sleep(chances.uniform(0.3, 1.5) if FULL else 0.3)
                if name == FULL_DISK:
                    wait_until(
                        lambda told=told: load.told[NoSpace.__name__] > told or bool(load.failures),
                        seconds=60,
                        what="somebody who met the full disk",
                    )
            came[name] += 1
            time.sleep(chances.uniform(0, 0.5))
    return came


@pytest.mark.timeout(600)
def test_in_a_storm_everything_is_told_read_and_done_exactly_as_promised(
    url: str, tmp_path: Path, gateway: RunningGateway
) -> None:
    app = delivering_case(url, tmp_path / "home", customers=CUSTOMERS, sms_url=gateway.url, delivery=PLAN)
    delivering.begin(app, CASE)
    known, load = weathers(app, gateway, url), Load(app)
    threads = load.go()
    came = in_storm(known, load, random.Random(11))
    calm = time.monotonic()
    before = len(gateway.messages())
    if not load.failures and before < TARGET:
        end_leases(app)  # half a minute passes
        wait_until(lambda: len(gateway.messages()) > before, seconds=60, what="sending that goes on by itself")
    resumed = time.monotonic() - calm
    load.over.set()
    for thread in threads:
        thread.join(60)
    assert load.failures == [], "an error that is none of those that say what is not available"
    assert NoSpace.__name__ in load.told, load.told
    assert all("No space left" in one or "cannot be used" in one for one in load.said), load.said
    assert max(load.reads) < READ_IN, "reading goes on"
    with app.db.read() as tx:
        entries = history.load(tx, CASE)
    assert all(entry.previous == one.hash for one, entry in pairwise(entries)), "the history has a gap"
    assert len(entries) == 1 + load.acknowledged, "a command was lost, or counts twice"
    while states_of(app).get("waiting"):
        end_leases(app)
        load.patiently(lambda: delivering.work(app, "last"))
    assert_each_once(app, gateway, TARGET)
    assert states_of(app) == {"sent": TARGET}
    assert shown(app)[0].sent == TARGET
    print(
        f"{app.db.dialect_name}: {sum(came.values())} faults ({dict(came)}), {load.acknowledged} commands,"
        f" {len(load.reads)} reads, the slowest {max(load.reads):.2f} s, {before} of {TARGET} sent in the storm,"
        f" on again {resumed:.1f} s after it; told: {dict(load.told)}"
    )
    app.close()
