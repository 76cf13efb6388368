"""A real `countersign up` in a home of its own, looked at from outside: its processes, its runs, its mails."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engine.cli.processes import Child
from tests.servers.prefect import made_before
from tests.support import ROOT, free_port, wait_until

RUN_SECONDS = 20  # every such time three processes start, which take ten seconds of CPU together


@dataclass
class Home:
    """The folder of one product, with a mailbox beside it."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def clock(self) -> Path:
        """The file that moves its business clock."""
        return self.folder / "clock"

    @property
    def mails(self) -> Path:
        """The folder in which the mailbox keeps mail."""
        return self.folder / "mails"

    def runs(self, *, scheduled: bool | None = None) -> list[tuple[str, str, str]]:
        """(flow, state, id) of every run of Prefect's that was tried, oldest first; of the schedule or by hand."""
        database = self.folder / "prefect" / "prefect.db"
        if not database.exists():
            return []
        query = (
            "SELECT flow.name, run.state_type, run.id, run.auto_scheduled FROM flow_run run"
            " JOIN flow ON flow.id = run.flow_id"
            " WHERE run.state_type NOT IN ('SCHEDULED', 'CANCELLED') ORDER BY run.expected_start_time"
        )
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as db:
            try:
                rows = db.execute(query).fetchall()
            except sqlite3.OperationalError:  # Prefect is still making its tables
                return []
        return [(flow, state, run) for flow, state, run, auto in rows if scheduled is None or bool(auto) is scheduled]

    def processes(self) -> set[int]:
        """Every living process of the product in this home, told by its environment; not the mailbox."""
        mark = f"COUNTERSIGN_HOME={self.folder}".encode()
        found = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    if mark in (entry / "environ").read_bytes().split(b"\0"):
                        found.add(int(entry.name))
                except OSError:  # it has ended meanwhile
                    continue
        return found


@contextmanager
def home(folder: Path, **settings: str) -> Iterator[Home]:
    """A home with a running mailbox."""
    folder = folder.resolve()
    made = Home(folder)
    command = [sys.executable, str(ROOT / "deploy/dev/mailbox.py"), "--port", "0", "--folder", str(made.mails)]
    mailbox = Child("mailbox", command, logs=folder / "logs")
    address = mailbox.start().removeprefix("smtp://")
    made.environment = {
        **os.environ,
        "COUNTERSIGN_HOME": str(folder),
        "COUNTERSIGN_MAIL_URL": f"mailto://{address}?from=countersign@example.org&to={{to}}&mode=insecure",
        "COUNTERSIGN_CLOCK_FILE": str(made.clock),
        "COUNTERSIGN_RUN_SECONDS": str(RUN_SECONDS),
        "COUNTERSIGN_POLL_SECONDS": "0.2",
        **settings,
    }
    try:
        yield made
    finally:
        mailbox.stop()
        for left in made.processes():
            os.kill(left, signal.SIGKILL)


@contextmanager
def up(where: Home) -> Iterator[subprocess.Popen[bytes]]:
    """`countersign up` that said it is ready; killed at the end if it still runs."""
    made_before(where.folder)
    output = where.folder / f"up-{free_port()}.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "engine.cli.main", "up", "--port", str(free_port())],
            cwd=ROOT,
            env=where.environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    process.args = output  # where its words are
    try:
        wait_until(lambda: b"Ready." in output.read_bytes() or process.poll() is not None, seconds=90, what="ready")
        assert process.poll() is None, output.read_text()
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
