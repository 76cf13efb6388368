"""Delivery workers that are at work in milliseconds, to be killed by the dozen."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from engine.service.app import Countersign
from tests.support import ROOT, kill


class Nursery:
    """A process whose children are delivery workers."""

    def __init__(self, app: Countersign) -> None:
        settings = app.settings
        program = [sys.executable, "-m", "tests.faults.delivery_worker", "--nursery", settings.database]
        about = [str(settings.home), settings.sms_url, settings.sms_guarantee]
        self._process = subprocess.Popen(
            [*program, *about], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self._alive: set[int] = set()
        assert self.line() == "ready"

    def line(self) -> str:
        """The next line that it, or a worker, prints."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def ask(self) -> None:
        """Have one more worker start."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def worker(self) -> int:
        """Start a worker; returns when it works, with its process id."""
        self.ask()
        word, _, pid = self.line().partition(" ")
        assert word == "working"
        self._alive.add(int(pid))
        return int(pid)

    def kill(self, pid: int) -> None:
        """End a worker as a crash would."""
        self._alive.discard(pid)
        kill(pid)

    def close(self) -> None:
        """End all that were started."""
        for pid in self._alive:
            kill(pid)
        self._process.kill()
        self._process.wait(10)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


@contextmanager
def nursery(app: Countersign) -> Iterator[Nursery]:
    """A nursery for the length of a block."""
    opened = Nursery(app)
    try:
        yield opened
    finally:
        opened.close()
