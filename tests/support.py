"""What the suites share: the folder of real data, ports, waiting."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine import clock
from engine.warehouse.addresses import Vault

ROOT = Path(__file__).resolve().parents[1]
FULL = os.environ.get("FULL_TESTS") == "1"
"""Whether tests that try many cases try all of them (`make test-full`)."""

THIS_YEAR = clock.now().astimezone(ZoneInfo("Asia/Shanghai")).year
"""The year that stands in the numbers of cases."""

SERVER_FOLDER = "COUNTERSIGN_TEST_SERVER"
"""The setting that names the folder of what the workers of one run share."""


def vault() -> Vault:
    """What seals addresses in datasets that belong to no application."""
    return Vault({"0badcafe": bytes(range(64))})


def shared(path: str) -> Path:
    """A file or folder of the real data beside the repository; the test skips, loudly, where it is absent."""
    folder = Path(os.environ.get("COUNTERSIGN_SHARED", ROOT / "../shared")).resolve() / path
    if not folder.exists():
        pytest.skip(f"REAL DATA ABSENT: {folder}")
    return folder


def wait_until(claim: Callable[[], bool], *, seconds: float = 10, what: str = "it") -> None:
    """Wait for something that happens in another process; fails after `seconds`. What takes long is asked less often:
    to ask costs as much as what is waited for."""
    began = time.monotonic()
    while not claim():
        waited = time.monotonic() - began
        assert waited < seconds, f"{what} did not happen within {seconds} s"
        time.sleep(min(max(0.02, waited / 100), 0.2))


def cpu_seconds(act: Callable[[], object], *, times: int = 5) -> float:
    """Of the quickest run; what the others took longer is the machine's."""
    spent = []
    for _ in range(times):
        began = time.process_time()
        act()
        spent.append(time.process_time() - began)
    return min(spent)


def free_port() -> int:
    """A port on the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def kill(pid: int) -> None:
    """End a process that may be gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
