"""A delivery whose disk is full, or whose database another process keeps locked: a clear error, what is there can be
read, nothing is half-written, and it goes on by itself."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.errors import DatabaseUnavailable
from engine.service import delivering
from engine.store import session
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

ON_A_FULL_DISK = """
import sys
from pathlib import Path
from engine.errors import NoSpace
from engine.service import delivering
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store.session import Database
settings = Settings(home=Path(sys.argv[2]), database_url=sys.argv[1])
app = Countersign(settings, Database(settings.database))
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


def test_a_full_disk_stops_the_writing_of_a_wave_and_the_next_begin_goes_on(
    make: Make, gateway: RunningGateway, db_url: str
) -> None:
    app = make()
    folder = app.settings.data / "cases" / CASE / "waves"
    folder.mkdir(parents=True)
    small = f'mount -t tmpfs -o size=8k tmpfs "{folder}" && exec "$0" "$@"'
    arguments = [sys.executable, "-c", ON_A_FULL_DISK, db_url, str(app.settings.home), CASE, str(folder)]
    inside = ["unshare", "--map-root-user", "--mount", "sh", "-c", small]
    try:
        subprocess.run([*inside, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("NO SMALL DISK: this machine lets nobody mount one (unshare --mount)")
    told = subprocess.run([*inside, *arguments], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    message, left = told.splitlines()
    assert "waves" in message and "full" in message.lower()
    assert left == "[]", "nothing half-written"
    assert states_of(app) == {} and shown(app)[0].state == "loading"
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
    with locked(sqlite_url, 3), pytest.raises(DatabaseUnavailable, match="another process kept it locked"):
        delivering.work(app, "test")
    assert states_of(app) == {"waiting": TARGET} and gateway.messages() == []
    send_all(app)
    assert_each_once(app, gateway)
    app.close()
