"""Child processes that do not outlive us, and the product's own tree of them: API, Prefect server, flows.

Each child leads a process group, so a Ctrl-C in the terminal reaches us alone and we stop them in order; a group whose
leader died is killed whole; and an undertaker kills every group when we are killed. Output goes to `<logs>/<name>.log`.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from engine.cli import undertaker
from engine.errors import PortInUse, Unavailable

READY = re.compile(rb"^ready (\S+)\r?$", re.MULTILINE)
LOOPBACK = "127.0.0.1"


class ChildEnded(Unavailable):
    """The {name} process ended by itself with code {code}: {words} The whole log: {log}."""


class NotReady(Unavailable):
    """The {name} process was not ready after {seconds:.0f} seconds. Its log: {log}."""


class Child:
    """One process of ours. Once it answers it prints `ready ADDRESS`, which `wait` looks for in its log."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        logs: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        self.address = ""
        self._command = list(command)
        self._environment = dict(os.environ if environment is None else environment)
        self._log_start = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process's id, which is also its group's; 0 before the start."""
        return self._process.pid if self._process else 0

    @property
    def ended(self) -> bool:
        """Whether it was started and is no longer running."""
        return self._process is not None and self._process.poll() is not None

    def is_ready(self) -> bool:
        """Whether it has said that it is ready."""
        found = READY.search(self._output())
        if found:
            self.address = found[1].decode()
        return found is not None

    def launch(self) -> None:
        """Start it and return at once."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(  # noqa: S603  our own programs
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**self._environment, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        _undertaker().watch(self.pid)

    def wait(self, seconds: float = 60) -> str:
        """The address at which it is ready; ChildEnded or NotReady instead."""
        end = time.monotonic() + seconds
        while not self.is_ready():
            self.check()
            if time.monotonic() > end:
                raise NotReady(name=self.name, seconds=seconds, log=self.log)
            time.sleep(0.05)
        return self.address

    def start(self, seconds: float = 60) -> str:
        """Start it and wait until it is ready."""
        self.launch()
        return self.wait(seconds)

    def check(self) -> None:
        """ChildEnded when it is no longer running."""
        if self._process is not None and self._process.poll() is not None:
            raise ChildEnded(name=self.name, code=self._process.returncode, words=self._last_words(), log=self.log)

    def ask_to_stop(self) -> None:
        """SIGTERM to the process alone: it stops those it started itself."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def stop(self, seconds: float = 15) -> None:
        """Ask it to stop, wait, and kill what is left of its group. Harmless when it has ended or never started."""
        if self._process is None:
            return
        self.ask_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        _undertaker().forget(self.pid)

    def _output(self) -> bytes:
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read()

    def _last_words(self) -> str:
        lines = self._output().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing."


class Tree:
    """The product: API on `port`, flows, and their Prefect server on `prefect_port` (0: any free one)."""

    def __init__(self, *, port: int, environment: Mapping[str, str], logs: Path, prefect_port: int = 0) -> None:
        require_free(port, "--port")
        if prefect_port:
            require_free(prefect_port, "--prefect-port")
        prefect_port = prefect_port or free_port()
        self.prefect_url = f"http://{LOOPBACK}:{prefect_port}/api"
        settings = {**environment, **prefect_settings(environment, self.prefect_url)}
        python = sys.executable
        self.api = Child("api", [python, "-m", "api", "--port", str(port)], logs=logs, environment=settings)
        self.prefect = Child(
            "prefect",
            [python, "-m", "prefect", "server", "start", "--host", LOOPBACK, "--port", str(prefect_port)],
            logs=logs,
            environment=settings,
        )
        self.flows = Child("flows", [python, "-m", "flows"], logs=logs, environment=settings)

    @property
    def children(self) -> tuple[Child, ...]:
        """In the order of their start; the reverse is the order of stopping, since flows report to their server."""
        return (self.prefect, self.api, self.flows)

    def start(self) -> None:
        """Start all at once and return: flows wait for their server by themselves."""
        for child in self.children:
            child.launch()

    def wait_until_ready(self, *, seconds: float = 60, stop: threading.Event | None = None) -> str:
        """The address at which the pages answer; empty when `stop` was set first."""
        return self._wait_for(self.api, seconds, stop) and self.api.address

    def wait_until_running(self, *, seconds: float = 120, stop: threading.Event | None = None) -> bool:
        """Wait until the flows have their schedule, too; False when `stop` was set first."""
        return bool(self._wait_for(self.flows, seconds, stop))

    def _wait_for(self, child: Child, seconds: float, stop: threading.Event | None) -> str:
        end = time.monotonic() + seconds
        while not child.is_ready():
            self.check()  # all of them: flows would wait in vain for a server that has ended
            if time.monotonic() > end:
                raise NotReady(name=child.name, seconds=seconds, log=child.log)
            if stop is not None and stop.is_set():
                return ""
            time.sleep(0.05)
        return child.address

    def check(self) -> None:
        """ChildEnded when one of them is no longer running."""
        for child in self.children:
            child.check()

    def stop(self) -> None:
        """Stop flows first, so that no run is left as running, then the servers together."""
        self.flows.stop(seconds=30)
        for child in (self.api, self.prefect):
            child.ask_to_stop()
        for child in (self.api, self.prefect):
            child.stop()


def prefect_settings(environment: Mapping[str, str], url: str) -> dict[str, str]:
    """Prefect's settings for the embedded start; those that the operator set stay."""
    home = Path(environment.get("COUNTERSIGN_HOME", "var")).resolve()
    ours = {
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_RUNNER_SERVER_ENABLE": "false",
        # How long a run waits for the one before it to end; the default of 30 s would be a hole in the schedule.
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "2",
        "DO_NOT_TRACK": "1",
    }
    return {**{name: environment.get(name, value) for name, value in ours.items()}, "PREFECT_API_URL": url}


def free_port() -> int:
    """A port on the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(port: int, option: str) -> None:
    """PortInUse when somebody listens on `port`."""
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError:
        raise PortInUse(port=port, option=option) from None


class _Undertaker:
    """Not a Popen, which warns when it is forgotten while it runs: this one is to outlive us, if only for a moment."""

    def __init__(self) -> None:
        listening, self._telling = os.pipe()
        os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", str(Path(undertaker.__file__))],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, listening, 0),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setpgroup=0,
        )
        os.close(listening)

    def watch(self, group: int) -> None:
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        self._tell(f"-{group}\n")

    def _tell(self, words: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # killed by somebody; then only an orderly stop ends the children
            os.write(self._telling, words.encode())


@cache
def _undertaker() -> _Undertaker:
    return _Undertaker()
