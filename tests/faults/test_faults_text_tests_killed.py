"""Workers killed with SIGKILL around the decision on a test of texts, and several deciding at once: one decision."""

import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from engine import clock
from engine.errors import TextChosen, TextFound
from engine.machine.states import TEXTS
from engine.service import stages
from engine.service.app import Countersign
from engine.store import cases, history, waves
from tests.faults.delivering_case import CASE
from tests.faults.test_faults_delivery import send_all
from tests.faults.test_faults_text_tests import (  # noqa: F401  its fixtures
    LI,
    TARGET,
    TESTED,
    Make,
    answer,
    gateway,
    make,
    send_pilot,
    texts_of,
)
from tests.servers.gateway import RunningGateway
from tests.support import ROOT, kill

IN_THE_TRANSACTION = "engine.store.cases:rows_of"
AFTER_IT = "engine.service.settling:start_next"


@pytest.fixture
def due(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Countersign:  # noqa: F811
    """A case whose pilot has its answers, and whose wait is over, by the clock of every process."""
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    app = make()
    send_pilot(app)
    answer(app, a=45, b=9)
    clock.move(tmp_path / "clock", timedelta(hours=25))
    return app


def started(app: Countersign, function: str = "") -> "subprocess.Popen[str]":
    """A worker that is ready to settle."""
    url = app.db.url.render_as_string(hide_password=False)
    program = [sys.executable, "-m", "tests.faults.text_test_worker", url, str(app.settings.home)]
    worker = subprocess.Popen(
        [*program, *filter(None, (function,))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    return worker


def told_to_go(worker: "subprocess.Popen[str]") -> None:
    assert worker.stdin is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()


def closed(worker: "subprocess.Popen[str]") -> int:
    """How it ended."""
    code = worker.wait(60)
    for pipe in (worker.stdin, worker.stdout):
        assert pipe is not None
        pipe.close()
    return code


def decisions(app: Countersign) -> list[str]:
    with app.db.read() as tx:
        return [one.command.variant for one in history.load(tx, CASE) if one.kind == "TextDecided"]


def texts_of_waves(app: Countersign) -> list[str]:
    with app.db.read() as tx:
        return [row.variant for row in waves.of_case(tx, CASE)]


@pytest.mark.parametrize(("function", "known"), [(IN_THE_TRANSACTION, 0), (AFTER_IT, 1)])
def test_a_worker_killed_around_the_decision_leaves_all_of_it_or_nothing(
    due: Countersign,
    gateway: RunningGateway,  # noqa: F811
    function: str,
    known: int,
) -> None:
    worker = started(due, function)
    told_to_go(worker)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "there\n"
    kill(worker.pid)
    assert closed(worker) == -9
    assert decisions(due) == ["a"] * known
    assert texts_of_waves(due) == ["", "a" if known else ""]
    answer(due, a=0, b=90, from_the_end=True)  # too late, and it changes nothing
    send_all(due)
    assert decisions(due) == ["a"]
    assert texts_of(gateway) == {"a": 300 + TARGET - TESTED, "b": 300}
    assert set(gateway.times().values()) == {1}


def test_workers_that_decide_at_once_and_a_person_who_chooses_meanwhile_come_to_one_decision(
    due: Countersign,
    gateway: RunningGateway,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "engine.service.stages.load_visible", lambda _app, tx, _viewer, case_id: cases.load(tx, case_id)
    )
    workers = [started(due) for _ in range(2)]
    for worker in workers:
        told_to_go(worker)
    person = ""
    try:
        stages.choose_text(due, LI, CASE, wave="pilot", variant="b", reason="短信太长", key="k1")
        person = "b"
    except (TextChosen, TextFound) as stands:
        assert stands.fields["variant"] == "a"  # a worker was faster
    assert [closed(worker) for worker in workers] == [0, 0]
    (variant,) = decisions(due)
    assert variant == (person or "a")
    assert texts_of_waves(due) == ["", variant]
    with due.db.read() as tx:
        assert cases.load(tx, CASE).facts[TEXTS]["pilot"]["variant"] == variant
    send_all(due)
    assert texts_of(gateway) == Counter(a=300, b=300) + Counter({variant: TARGET - TESTED})
