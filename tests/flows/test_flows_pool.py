"""`deploy/prefect.yaml` as an operator uses it: its deployments on a process work pool of a real Prefect server on
PostgreSQL, two real `prefect worker` processes, a further `countersign worker`; one is killed, the others go on.

It takes some minutes, most of it the server's tables and the starts of its programs: `FULL_TESTS=1`, `make test-full`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.service import delivering, watching
from engine.service.app import Countersign
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.test_faults_workers import worker
from tests.servers.gateway import SECRET, RunningGateway, running_gateway
from tests.servers.postgres import create_database, execute
from tests.servers.prefect import running_prefect, runs
from tests.support import ROOT, kill, wait_until

CUSTOMERS = 20_000
TARGET = CUSTOMERS * 9 // 10
EVERY = 15  # seconds between two runs; the file has 300
POOL = "countersign"
PLAN = "\n  message: hi\n  waves: [{name: w, share: rest, channel: sms, chunk: 100, rate: 150/s}]\n"
PREFECT = [sys.executable, "-m", "prefect"]

pytestmark = pytest.mark.slow


@pytest.fixture
def prefect(tmp_path: Path, pg_server: str) -> Iterator[dict[str, str]]:
    """The environment of a Prefect server on PostgreSQL."""
    name = f"prefect_pool_{os.getpid()}"
    with running_prefect(tmp_path / "prefect-home", create_database(pg_server, name)) as environment:
        yield environment
    execute(pg_server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path / "sms.log") as started:
        yield started


def commanded(where: Mapping[str, str], *words: str) -> None:
    """A command of Prefect that succeeds."""
    done = subprocess.run([*PREFECT, *words], cwd=ROOT, env=dict(where), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def commands_of_the_file(file: Path) -> list[list[str]]:
    """The commands that the head of deploy/prefect.yaml names, for a copy of it."""
    lines = (ROOT / "deploy/prefect.yaml").read_text().splitlines()
    told = [line.removeprefix("#   prefect ").partition("   ")[0].split() for line in lines if "#   prefect " in line]
    return [[str(file) if word == "deploy/prefect.yaml" else word for word in words] for words in told]


@contextmanager
def pool_worker(where: Mapping[str, str], words: list[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker of the pool in a process group of its own, with all that it starts."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*PREFECT, *words, "--name", log.stem],
            cwd=ROOT, env=dict(where), stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        killed(process)


def killed(process: "subprocess.Popen[bytes]") -> int:
    """End a worker and the runs it started at once; how many these were."""
    if process.poll() is not None:
        return 0
    doing = children(process.pid)
    os.killpg(process.pid, signal.SIGKILL)
    for child in doing:
        kill(child)
    process.wait()
    return len(doing)


def begun(where: Mapping[str, str], flow: str) -> set[str]:
    """The runs of a flow that began."""
    return {name for name, state in runs(where["PREFECT_API_URL"], flow) if state not in ("SCHEDULED", "PENDING")}


def children(pid: int) -> list[int]:
    """The processes that a worker of the pool started."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(one) for one in found.stdout.split()]


def left(app: Countersign) -> int:
    with app.db.read() as tx:
        return int(tx.execute(sa.text("SELECT count(*) FROM recipients WHERE state = 'waiting'")).scalar_one())


@pytest.mark.timeout(1800)
def test_the_deployments_of_the_file_run_on_schedule_in_a_pool_and_a_killed_worker_is_made_up_for(
    pg_url: str, tmp_path: Path, prefect: dict[str, str], gateway: RunningGateway
) -> None:
    app = delivering_case(pg_url, tmp_path / "home", customers=CUSTOMERS, sms_url=gateway.url, delivery=PLAN)
    where = {
        **prefect,
        "COUNTERSIGN_FOLDER": str(ROOT),
        "COUNTERSIGN_HOME": str(app.settings.home),
        "COUNTERSIGN_DATABASE_URL": pg_url,
        "COUNTERSIGN_SMS_URL": gateway.url,
        "COUNTERSIGN_SMS_SECRET": SECRET,
        "COUNTERSIGN_POLL_SECONDS": "0.2",
        "COUNTERSIGN_RUN_SECONDS": str(EVERY),
    }
    file = tmp_path / "prefect.yaml"
    file.write_text((ROOT / "deploy/prefect.yaml").read_text().replace("interval: 300", f"interval: {EVERY}"))
    make_pool, deploy, start = commands_of_the_file(file)
    commanded(where, *make_pool)
    commanded(where, *deploy)
    with ExitStack() as stack:
        pair = [stack.enter_context(pool_worker(where, start, tmp_path / f"{name}.log")) for name in ("one", "two")]
        further = stack.enter_context(worker(where, "further", tmp_path / "further.log"))
        delivering.begin(app, CASE)
        wait_until(lambda: begun(where, "tick") and begun(where, "waves"), seconds=180, what="runs by the schedule")
        wait_until(lambda: gateway.stats()["accepted"] > 0, seconds=60, what="a message")
        wait_until(lambda: any(children(one.pid) for one in pair), seconds=60, what="a process of a run")
        busy = max(pair, key=lambda one: len(children(one.pid)))
        before, doing = {flow: begun(where, flow) for flow in watching.FLOWS}, killed(busy)
        since = time.monotonic()
        for flow in ("tick", "waves"):
            wait_until(lambda flow=flow: begun(where, flow) - before[flow], seconds=600, what=f"a later run of {flow}")
        again = time.monotonic() - since
        wait_until(lambda: left(app) == 0, seconds=300, what="the end of the wave")
        further.send_signal(signal.SIGTERM)
        assert further.wait(60) == 0
    times = gateway.times()
    assert (len(times), set(times.values())) == (TARGET, {1})
    with app.db.read() as tx:
        rounds = {row.flow for row in tx.execute(sa.text("SELECT flow FROM rounds"))}
    assert set(watching.FLOWS) <= rounds
    print(f"{doing} runs were killed with their worker; each flow ran again {again:.0f} s after it at most")
    app.close()
