"""A delivery whose disk is full, or whose database another process keeps locked: a clear error, what is there can be
read, nothing is half-written, and it goes on by itself."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.errors import DatabaseBusy
from engine.machine.commands import PauseDelivery
from engine.service import delivering, running
from engine.service.app import Countersign
from engine.store import history, session
from engine.store.session import Database
from tests.faults.delivering_case import CASE, delivering_case
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
from tests.servers.gateway import RunningGateway
from tests.support import ROOT, wait_until

__all__ = ["gateway", "make"]

WITH_LARGE_FILE = 10_000
LARGEST_FILE = 256 << 10

ON_A_FULL_DISK = """
import resource
import sys
from pathlib import Path
from engine.errors import NoSpace
from engine.service import delivering
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store.session import Database
settings = Settings(home=Path(sys.argv[2]), database_url=sys.argv[1])
app = Countersign(settings, Database(settings.database))
if sys.argv[5] != "mounted":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[5]), resource.RLIM_INFINITY))
try:
    delivering.begin(app, sys.argv[3])
except NoSpace as full:
    print(full.message)
print(sorted(one.name for one in Path(sys.argv[4]).iterdir()))
"""


@contextmanager
def locked(database_url: str, seconds: float) -> Iterator[None]:
    """The database, locked by another process for so long from the beginning of the block on."""
    program = [sys.executable, "-m", "tests.faults.locking", database_url, str(seconds)]
    other = subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert other.stdout is not None and other.stdout.readline() == "locked\n"
    try:
        yield
    finally:
        other.wait(30)
        other.stdout.close()


def begun_without_room(app: Countersign, db_url: str, folder: Path, *, limit: str, inside: Sequence[str] = ()) -> None:
    """Begins the delivery in a process whose wave's file has no room, and looks at what it said and left."""
    arguments = [sys.executable, "-c", ON_A_FULL_DISK, db_url, str(app.settings.home), CASE, str(folder), limit]
    told = subprocess.run([*inside, *arguments], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    message, left = told.splitlines()
    assert message == f"No space left for {folder}. Free some and run it again; nothing half-written remains."
    assert left == "[]", "nothing half-written"
    assert states_of(app) == {} and shown(app)[0].state == "loading"


def test_a_file_that_may_not_grow_stops_the_writing_of_a_wave_and_the_next_begin_goes_on(
    db_url: str, tmp_path: Path, gateway: RunningGateway
) -> None:
    app = delivering_case(db_url, tmp_path / "home", customers=WITH_LARGE_FILE, sms_url=gateway.url)
    app.close()  # so that what SQLite has yet to write is small
    folder = app.settings.data / "cases" / CASE / "waves"
    folder.mkdir(parents=True)
    begun_without_room(app, db_url, folder, limit=str(LARGEST_FILE))
    delivering.begin(app, CASE)
    (file,) = folder.glob("*.parquet")
    assert file.stat().st_size > 2 * LARGEST_FILE
    send_all(app)
    assert_each_once(app, gateway, WITH_LARGE_FILE * 9 // 10)
    app.close()


def test_a_full_disk_stops_the_writing_of_a_wave_and_the_next_begin_goes_on(
    make: Make, gateway: RunningGateway, db_url: str
) -> None:
    app = make()
    folder = app.settings.data / "cases" / CASE / "waves"
    folder.mkdir(parents=True)
    small = f'mount -t tmpfs -o size=8k tmpfs "{folder}" && exec "$0" "$@"'
    inside = ["unshare", "--map-root-user", "--mount", "sh", "-c", small]
    try:
        subprocess.run([*inside, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        words = "NO SMALL DISK: this machine lets nobody mount one (unshare --mount)"
        if os.environ.get("REQUIRE_MOUNT") == "1":
            pytest.fail(words)
        pytest.skip(f"{words}; the limit of a file's size above is tried everywhere")
    begun_without_room(app, db_url, folder, limit="mounted", inside=inside)
    delivering.begin(app, CASE)
    send_all(app)
    assert_each_once(app, gateway)


def test_a_database_that_another_process_locks_is_waited_for_in_the_middle_of_a_wave(
    make: Make, gateway: RunningGateway, db_url: str
) -> None:
    app = make()
    delivering.begin(app, CASE)
    gateway.behave(slow_seconds=0.3)
    sending = threading.Thread(target=delivering.work, args=(app, "test"))
    sending.start()
    wait_until(lambda: gateway.stats()["in_hand"] > 0, what="a request")
    with locked(db_url, 1.0):
        began = time.monotonic()
        assert sum(states_of(app).values()) == TARGET, "reading goes on"
        assert time.monotonic() - began < 1
    sending.join()
    gateway.behave()
    send_all(app)
    assert_each_once(app, gateway)
    assert states_of(app) == {"sent": TARGET}


def test_a_lock_that_lasts_too_long_is_told_and_nothing_is_changed(
    sqlite_url: str, tmp_path: Path, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "BUSY_SECONDS", 1)
    app = delivering_case(sqlite_url, tmp_path / "home", customers=300, sms_url=gateway.url)
    delivering.begin(app, CASE)
    with locked(sqlite_url, 3), pytest.raises(DatabaseBusy, match="another process kept locked for 1 s"):
        delivering.work(app, "test")
    assert states_of(app) == {"waiting": TARGET} and gateway.messages() == []
    send_all(app)
    assert_each_once(app, gateway)
    app.close()


def test_on_postgresql_a_page_is_told_of_a_lock_that_lasts_and_reads_go_on(pg_url: str, tmp_path: Path) -> None:
    app = delivering_case(pg_url, tmp_path / "home", customers=300)
    delivering.begin(app, CASE)
    hasty = Countersign.open(app.settings, lock_seconds=0.5)
    with locked(pg_url, 2), pytest.raises(DatabaseBusy, match=r"kept locked for 0\.5 s"):
        assert sum(states_of(hasty).values()) == TARGET, "reading goes on"
        delivering.settle(hasty)
        with hasty.db.begin() as tx:
            tx.execute(sa.text("UPDATE waves SET state = 'paused'"))
    assert shown(hasty)[0].state == "running", "nothing was changed"
    with locked(pg_url, 1), app.db.begin() as tx:  # flows have more patience
        tx.execute(sa.text("UPDATE waves SET state = 'paused'"))
    assert shown(hasty)[0].state == "paused"
    for one in (app, hasty):
        one.close()


def test_a_command_at_a_locked_case_is_refused_on_postgresql_and_counts_once_when_it_is_asked_again(
    pg_url: str, tmp_path: Path
) -> None:
    app = delivering_case(pg_url, tmp_path / "home", customers=300)
    delivering.begin(app, CASE)
    hasty = Countersign.open(app.settings, lock_seconds=0.5)
    pause = PauseDelivery(actor="li", reason="wrong price")
    with app.db.begin() as tx:
        tx.execute(sa.text("SELECT id FROM cases FOR UPDATE"))
        with pytest.raises(DatabaseBusy):
            running.carry_out(hasty, CASE, pause, key="p1")
    running.carry_out(hasty, CASE, pause, key="p1")
    running.carry_out(hasty, CASE, pause, key="p1")
    with app.db.read() as tx:
        assert [type(entry.command) for entry in history.load(tx, CASE)].count(PauseDelivery) == 1
    for one in (app, hasty):
        one.close()


def test_migrating_waits_for_as_long_as_it_takes(pg_url: str) -> None:
    db = Database(pg_url, lock_seconds=0.2)
    with db.begin() as held:
        held.execute(sa.text("SELECT pg_advisory_xact_lock(:n)"), {"n": session.MIGRATION_LOCK})
        migrating = threading.Thread(target=db.migrate)
        migrating.start()
        migrating.join(1)
        assert migrating.is_alive(), "it waits"
    migrating.join(30)
    assert not migrating.is_alive()
    db.close()
