"""`countersign up` as an operator meets it: schedules that really fire, stops that leave nothing, kills survived.

The Prefect server takes ten seconds to start, so each test tells a longer story than elsewhere.
"""

import os
import re
import signal
import subprocess
import sys
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.request import urlopen

import pytest
import sqlalchemy as sa

from engine import clock
from engine.cli.processes import Child
from engine.store import tables
from tests.acceptance.offices import opened, submitted
from tests.flows.trees import Home, home, up
from tests.support import ROOT, free_port, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for left-over processes in /proc")
SETTLED = {"COMPLETED", "CANCELLED"}


@pytest.mark.timeout(450)  # each part of it takes a minute on a busy machine
def test_the_schedule_fires_does_the_work_and_sigterm_leaves_nothing_running(sqlite_url: str, tmp_path: Path) -> None:
    with home(tmp_path, COUNTERSIGN_DATABASE_URL=sqlite_url) as where, opened(sqlite_url, tmp_path) as app:
        case_id = submitted(app)
        with up(where) as process:
            wait_until(lambda: len(subjects(where)) == 1, what="the mail about the new task", seconds=120)
            wait_until(lambda: running(where, "tick"), what="a tick of the schedule", seconds=120)
            by_schedule = running(where, "tick")
            clock.move(where.clock, timedelta(days=4))
            wait_until(lambda: len(subjects(where)) >= 2, what="the reminder", seconds=120)
            with app.db.read() as tx:
                fired = tx.execute(
                    sa.select(tables.timers.c.name).where(
                        tables.timers.c.case_id == case_id, tables.timers.c.state == "fired"
                    )
                ).all()
            assert fired
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, said(process)
        ends(where)
        states = {state for _, state, _ in where.runs()}
        assert states <= SETTLED, where.runs()
        tokens = {token for mail in mails(where) for token in re.findall(r"/l/([\w-]{20,})", plain(mail))}
        assert tokens
        written = "".join(log.read_text() for log in (tmp_path / "logs").glob("*.log"))
        assert not [token for token in tokens if token in written]
        assert by_schedule <= {run for _, state, run in where.runs(scheduled=True)}


def test_kill_9_leaves_no_process_the_next_start_frees_the_schedule_and_a_dead_part_ends_all(
    sqlite_url: str, tmp_path: Path
) -> None:
    with home(tmp_path, COUNTERSIGN_DATABASE_URL=sqlite_url, COUNTERSIGN_RUN_SECONDS="300") as where:
        with up(where) as process:
            wait_until(lambda: len(running(where)) == 4, what="tick, waves, evaluate and facts", seconds=60)
            left_over = running(where)
            process.kill()
            process.wait()
            ends(where)
        assert running(where) == left_over
        with up(where) as process:
            wait_until(lambda: len(running(where) - left_over) == 2, what="fresh runs", seconds=60)
            assert {state for _, state, run in where.runs() if run in left_over} == {"CRASHED"}
            os.kill(api_of(where), signal.SIGKILL)
            assert process.wait(60) == 1
            assert "The api process ended by itself" in said(process)
        ends(where)
        assert not running(where)


def test_ctrl_c_while_it_still_starts_ends_all_that_was_started(tmp_path: Path) -> None:
    with home(tmp_path) as where:
        process = subprocess.Popen(
            [sys.executable, "-m", "engine.cli.main", "up", "--port", str(free_port())], cwd=ROOT, env=where.environment
        )
        wait_until(lambda: len(where.processes()) > 3, what="the start of its parts", seconds=60)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        ends(where)


def test_serve_answers_by_itself_and_ends_on_sigterm(tmp_path: Path) -> None:
    with home(tmp_path) as where:
        port = free_port()
        child = Child(
            "serve",
            [sys.executable, "-m", "engine.cli.main", "serve", "--port", str(port)],
            logs=tmp_path,
            environment=where.environment,
        )
        with urlopen(f"{child.start()}/health") as answer:
            assert answer.status == 200
        [pid] = where.processes()
        assert pid == child.pid
        child.stop()
        ends(where)


def test_a_port_in_use_is_one_sentence_that_names_the_option(tmp_path: Path) -> None:
    with home(tmp_path) as where:
        port = where.environment["COUNTERSIGN_MAIL_URL"].split("?")[0].rsplit(":", 1)[1]
        for command, option in (
            (["up", "--prefect-port", port, "--port", "0"], "--prefect-port"),
            (["serve", "--port", port], "--port"),
        ):
            done = subprocess.run(
                [sys.executable, "-m", "engine.cli.main", *command],
                cwd=ROOT, env=where.environment, capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            assert done.returncode == 1
            assert done.stderr == f"Port {port} is in use. End what uses it, or choose another with {option}.\n"


def ends(where: Home) -> None:
    """Nothing of the product lives on; its undertaker ends last, when it reads that nobody is left."""
    wait_until(lambda: not where.processes(), what="the end of all its processes", seconds=10)


def running(where: Home, flow: str = "") -> set[str]:
    """Ids of the runs in state RUNNING: with `flow`, of that flow and started by the schedule."""
    runs = where.runs(scheduled=True) if flow else where.runs()
    return {run for name, state, run in runs if state == "RUNNING" and (not flow or name == flow)}


def mails(where: Home) -> list[EmailMessage]:
    found = (message_from_bytes(path.read_bytes(), policy=policy.default) for path in where.mails.glob("*.eml"))
    return [mail for mail in found if isinstance(mail, EmailMessage)]


def plain(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    return str(part.get_content()) if part else ""


def subjects(where: Home) -> list[str]:
    return [str(mail["Subject"]) for mail in mails(where) if mail["To"] == "liguoqiang@example.org"]


def api_of(where: Home) -> int:
    [found] = [pid for pid in where.processes() if b"-m\0api" in cmdline(pid)]
    return found


def cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def said(process: subprocess.Popen[bytes]) -> str:
    return Path(str(process.args)).read_text()
