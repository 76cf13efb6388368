"""The development gateway as a test uses it: a real process, told how to behave, read by its log."""

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import ROOT, free_port

SECRET = "test-sms-secret"


class RunningGateway:
    """A gateway process over the log `log`; it may be killed and started again on the same port."""

    def __init__(self, log: Path, callback: str = "") -> None:
        self.log = log
        self.port = free_port()
        self._callback = callback
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; returns when it is ready."""
        program = [sys.executable, str(ROOT / "deploy/dev/gateway.py"), "--port", str(self.port)]
        settings = ["--log", str(self.log), "--secret", SECRET, "--callback", self._callback]
        self._process = subprocess.Popen([*program, *settings], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == f"ready {self.url}"

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(kill=True)

    def stop(self) -> None:
        """End it as an operator would; it must end clean."""
        assert self._end(kill=False) == 0

    def _end(self, *, kill: bool) -> int:
        assert self._process is not None
        process, self._process = self._process, None
        (process.kill if kill else process.terminate)()
        status = process.wait(10)
        assert process.stdout is not None
        process.stdout.close()
        return status

    @property
    def is_running(self) -> bool:
        """Whether it was started and not ended."""
        return self._process is not None

    def behave(self, **behaviour: Any) -> None:
        """See `Behaviour` in deploy/dev/gateway.py; without arguments it is normal again."""
        body = json.dumps(behaviour).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/control", body), timeout=10) as answer:
            assert answer.status == 200

    def stats(self) -> dict[str, int]:
        """Its counters."""
        with urllib.request.urlopen(f"{self.url}/stats", timeout=10) as answer:
            counted: dict[str, int] = json.load(answer)
            return counted

    def messages(self) -> list[dict[str, str]]:
        """What it accepted, in order, read from its log."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def times(self) -> Counter[str]:
        """How often each telephone was written to."""
        return Counter(message["to"] for message in self.messages())


@contextmanager
def running_gateway(log: Path, callback: str = "") -> Iterator[RunningGateway]:
    """A gateway for the length of a block."""
    gateway = RunningGateway(log, callback)
    gateway.start()
    try:
        yield gateway
    finally:
        if gateway.is_running:
            gateway.stop()
