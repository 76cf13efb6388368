"""The server as a process: it says when it is ready, refuses a taken port in a sentence, ends clean, logs no tokens."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest


@pytest.fixture
def environment(staffed: Path, tmp_path: Path) -> dict[str, str]:
    shutil.copy(staffed, tmp_path / "case.db")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    return kept | {
        "COUNTERSIGN_HOME": str(tmp_path),
        "COUNTERSIGN_DATABASE_URL": f"sqlite:///{tmp_path / 'case.db'}",
    }


def start(environment: dict[str, str], *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "api", *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_says_when_it_is_ready_ends_clean_and_logs_no_token(environment: dict[str, str]):
    server = start(environment, "--port", "0")
    assert server.stdout is not None
    address = server.stdout.readline().removeprefix("ready ").strip()
    token = "never-to-be-logged-" + "x" * 24
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}/l/{token}")
    refused.value.close()
    with urllib.request.urlopen(f"{address}/health") as healthy:
        assert healthy.status == 200
    server.send_signal(signal.SIGTERM)
    output, log = server.communicate(timeout=30)
    assert refused.value.code == 404
    assert server.returncode in (0, -signal.SIGTERM)
    assert "/l/{token}" in log
    assert token not in output + log


def test_a_port_in_use_is_one_sentence(environment: dict[str, str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = start(environment, "--port", str(port))
        _, said = server.communicate(timeout=60)
    assert server.returncode == 1
    assert said.strip() == f"Port {port} is in use. End what uses it, or choose another with --port."
