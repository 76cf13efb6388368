"""Delivery workers killed with SIGKILL in the middle of a wave: another finishes, nobody is missed or sent to twice."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.service import delivering
from engine.service.app import Countersign
from tests.faults.delivering_case import CASE, delivering_case
from tests.servers.gateway import RunningGateway, running_gateway
from tests.support import ROOT, kill, wait_until

CUSTOMERS = 2000
TARGET = 1800


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway that takes its time, loses its first answers and some of the later ones."""
    with running_gateway(tmp_path / "sms.log") as started:
        started.behave(slow_seconds=0.02, drop_answers=3, drop_share=0.1)
        yield started


def _worker(app: Countersign, db_url: str, sms_url: str) -> "subprocess.Popen[str]":
    program = [sys.executable, "-m", "tests.faults.delivery_worker", db_url, str(app.settings.home), sms_url]
    worker = subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert worker.stdout is not None
    assert worker.stdout.readline().startswith("working ")
    return worker


def _end_leases(app: Countersign) -> None:
    """Minutes pass."""
    with app.db.begin() as tx:
        tx.execute(sa.text("UPDATE chunks SET lease_until = NULL, available_at = NULL WHERE state = 'waiting'"))
        past = "2020-01-01T00:00:00.000000+00:00"
        tx.execute(sa.text("UPDATE chunks SET lease_until = :past WHERE state = 'claimed'"), {"past": past})


def _counted(app: Countersign) -> dict[str, int]:
    with app.db.read() as tx:
        rows = tx.execute(sa.text("SELECT state, count(*) AS count_ FROM recipients GROUP BY state"))
        return {row.state: row.count_ for row in rows}


def _size(gateway: RunningGateway) -> int:
    return gateway.log.stat().st_size if gateway.log.exists() else 0


def test_workers_killed_in_the_middle_of_a_wave_leave_every_recipient_exactly_once(
    db_url: str, tmp_path: Path, gateway: RunningGateway
) -> None:
    app = delivering_case(db_url, tmp_path / "home", customers=CUSTOMERS, sms_url=gateway.url)
    delivering.begin(app, CASE)
    chance = random.Random(7)
    interrupted = 0
    for _ in range(4):
        before = _size(gateway)
        worker = _worker(app, db_url, gateway.url)
        wait_until(lambda before=before: _size(gateway) > before, what="the gateway gets what this worker sends")
        time.sleep(chance.uniform(0, 0.1))
        kill(worker.pid)
        assert worker.wait(10) == -9
        assert worker.stdout is not None
        worker.stdout.close()
        with app.db.read() as tx:
            interrupted += tx.execute(sa.text("SELECT count(*) FROM chunks WHERE state='claimed'")).scalar_one()
        _end_leases(app)
    gateway.behave()
    while _counted(app).get("waiting"):
        assert sum(_counted(app).values()) == TARGET
        delivering.work(app, "last")
        _end_leases(app)
    app.close()
    times = gateway.times()
    assert interrupted > 0
    assert gateway.stats()["repeated"] > 0
    assert (len(times), set(times.values())) == (TARGET, {1})


def test_four_workers_share_a_wave(db_url: str, tmp_path: Path, gateway: RunningGateway) -> None:
    app = delivering_case(db_url, tmp_path / "home", customers=CUSTOMERS, sms_url=gateway.url)
    delivering.begin(app, CASE)
    workers = [_worker(app, db_url, gateway.url) for _ in range(4)]
    for worker in workers:
        assert worker.wait(60) == 0
        assert worker.stdout is not None
        worker.stdout.close()
    while _counted(app).get("waiting"):
        delivering.work(app, "last")
    app.close()
    times = gateway.times()
    assert _counted(app) == {"sent": TARGET}
    assert (len(times), set(times.values())) == (TARGET, {1})


def test_a_begin_killed_anywhere_is_finished_by_the_next(db_url: str, tmp_path: Path, gateway: RunningGateway) -> None:
    app = delivering_case(db_url, tmp_path / "home", customers=CUSTOMERS, sms_url=gateway.url)
    program = (
        "import sys; from pathlib import Path; from engine.service.app import Countersign;"
        " from engine.service import delivering; from engine.settings import Settings;"
        " from engine.store.session import Database;"
        " settings = Settings(home=Path(sys.argv[2]), database_url=sys.argv[1]);"
        " app = Countersign(settings, Database(settings.database)); print('ready', flush=True);"
        f" delivering.begin(app, '{CASE}')"
    )
    for milliseconds in (10, 30, 60, 100):
        starting = subprocess.Popen(
            [sys.executable, "-c", program, db_url, str(app.settings.home)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert starting.stdout is not None
        assert starting.stdout.readline() == "ready\n"
        time.sleep(milliseconds / 1000)
        kill(starting.pid)
        starting.wait(10)
        starting.stdout.close()
        assert sum(_counted(app).values()) in (0, TARGET)
    gateway.behave()
    delivering.begin(app, CASE)
    while _counted(app).get("waiting"):
        delivering.work(app, "last")
    app.close()
    assert (len(gateway.times()), set(gateway.times().values())) == (TARGET, {1})
