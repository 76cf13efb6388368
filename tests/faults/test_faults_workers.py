"""`countersign worker`, twice, beside a real Prefect server, PostgreSQL and the real gateway; one is killed half-way.

The quick form has 20,000 recipients; `FULL_TESTS=1` has a million, with the Prefect server on PostgreSQL as well.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.service import delivering, watching
from engine.service.app import Countersign
from engine.service.sending import CHUNKS_IN_FLIGHT
from flows.worker import WorkerRuns, named
from tests.faults.delivering_case import CASE, delivering_case
from tests.servers.gateway import SECRET, RunningGateway, running_gateway
from tests.servers.postgres import create_database, execute
from tests.servers.prefect import running_prefect, runs
from tests.support import ROOT, kill, wait_until

FULL = os.environ.get("FULL_TESTS") == "1"
CUSTOMERS = 1_111_112 if FULL else 22_223  # every tenth is in the control group
TARGET = CUSTOMERS - CUSTOMERS // 10
DELIVERY = """
  waves:
    - {name: main, share: rest, channel: sms, chunk: 500}
  message: {text: "{name}您好，{form.message}", fields: [name]}
  prices: {sms: "0.05"}
"""


@contextmanager
def worker(where: Mapping[str, str], name: str, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker that has said it is ready."""
    command = [sys.executable, "-m", "engine.cli.main", "worker", "--name", name]
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=dict(where), stdout=file, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: b"ready" in log.read_bytes(), seconds=60, what=f"worker {name}")
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture
def prefect(tmp_path: Path, pg_server: str) -> Iterator[dict[str, str]]:
    """The environment of a Prefect server; in the full form on PostgreSQL."""
    name = f"prefect_{os.getpid()}"
    database = create_database(pg_server, name) if FULL else ""
    with running_prefect(tmp_path / "prefect-home", database) as environment:
        yield environment
    if FULL:
        execute(pg_server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path / "sms.log") as started:
        yield started


def _left(app: Countersign) -> int:
    """Chunks that are not sent: few enough to be asked for often."""
    with app.db.read() as tx:
        return int(tx.execute(sa.text("SELECT count(*) FROM chunks WHERE state <> 'done'")).scalar_one())


def _accepted(gateway: RunningGateway) -> int:
    return gateway.stats()["accepted"]


def _end_leases(app: Countersign) -> None:
    """Half a minute passes."""
    with app.db.begin() as tx:
        tx.execute(sa.text("UPDATE chunks SET lease_until = '2020-01-01' WHERE state = 'claimed'"))


@pytest.mark.timeout(1800 if FULL else 300)
def test_two_workers_one_killed_half_way_reach_everybody_once_and_the_other_ends_in_order(
    pg_url: str, tmp_path: Path, prefect: dict[str, str], gateway: RunningGateway
) -> None:
    app = delivering_case(pg_url, tmp_path / "home", customers=CUSTOMERS, sms_url=gateway.url, delivery=DELIVERY)
    where = {
        **prefect,
        "COUNTERSIGN_HOME": str(app.settings.home),
        "COUNTERSIGN_DATABASE_URL": pg_url,
        "COUNTERSIGN_SMS_URL": gateway.url,
        "COUNTERSIGN_SMS_SECRET": SECRET,
        "COUNTERSIGN_POLL_SECONDS": "0.2",
    }
    if not FULL:
        gateway.behave(slow_seconds=0.05)  # so that both are at it, and the kill comes in the middle
    with worker(where, "one", tmp_path / "one.log") as first, worker(where, "two", tmp_path / "two.log") as second:
        delivering.begin(app, CASE)
        began = time.monotonic()
        wait_until(lambda: _accepted(gateway) > TARGET // 2, seconds=600, what="half of them")
        kill(first.pid)
        assert first.wait(10) == -9
        half = time.monotonic() - began
        assert _accepted(gateway) < TARGET
        wait_until(lambda: _left(app) <= CHUNKS_IN_FLIGHT, seconds=600, what="the rest but for the leases of the dead")
        _end_leases(app)
        wait_until(lambda: _left(app) == 0, seconds=600, what="the end")
        whole = time.monotonic() - began
        peak = _peak(second.pid)
        states = dict(runs(prefect["PREFECT_API_URL"], "worker"))
        assert states == {"worker-one": "RUNNING", "worker-two": "RUNNING"}  # the dead cannot say that it is
        second.send_signal(signal.SIGTERM)
        assert second.wait(60) == 0, (tmp_path / "two.log").read_text()
    times = gateway.times()
    assert (len(times), set(times.values())) == (TARGET, {1})
    assert dict(runs(prefect["PREFECT_API_URL"], "worker"))["worker-two"] == "COMPLETED"
    with app.db.read() as tx:
        open_chunks = tx.execute(sa.text("SELECT count(*) FROM chunks WHERE state <> 'done'")).scalar_one()
        known = {row.flow for row in tx.execute(sa.text("SELECT flow FROM rounds"))}
    assert open_chunks == 0
    assert known == {watching.WORKER + "one"}  # the killed one is shown until it is started again
    with worker(where, "one", tmp_path / "again.log") as again:
        assert dict(runs(prefect["PREFECT_API_URL"], "worker"))["worker-one"] in ("CRASHED", "RUNNING")
        again.send_signal(signal.SIGTERM)
        assert again.wait(60) == 0
    ended = sorted(state for name, state in runs(prefect["PREFECT_API_URL"], "worker") if name == "worker-one")
    assert ended[-1:] != ["RUNNING"]
    assert "CRASHED" in ended
    app.close()
    print(f"{TARGET:,} messages, half after {half:.1f} s, all after {whole:.1f} s, peak of a worker {peak} MB")


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) // 1024


def test_a_worker_refuses_sqlite_in_one_sentence(sqlite_url: str, tmp_path: Path) -> None:
    where = {**os.environ, "COUNTERSIGN_HOME": str(tmp_path), "COUNTERSIGN_DATABASE_URL": sqlite_url}
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli.main", "worker"],
        cwd=ROOT, env=where, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Further workers need PostgreSQL" in done.stderr


def test_a_name_is_held_by_one_worker_and_others_find_the_next(tmp_path: Path) -> None:
    from engine.settings import Settings

    settings = Settings(home=tmp_path)
    with named(settings) as first, named(settings) as second, named(settings, "till") as third:
        assert first.endswith("-1")
        assert second.endswith("-2")
        assert third == "till"
        with pytest.raises(WorkerRuns, match="till runs here already"), named(settings, "till"):
            pass
    with named(settings) as again:
        assert again == first
