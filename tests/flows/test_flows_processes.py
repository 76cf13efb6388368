"""Child processes: when they count as ready, what is told when they end, and that none outlives its parent."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.cli.processes import Child, ChildEnded, NotReady, require_free
from engine.errors import PortInUse
from tests.support import ROOT, wait_until

PROGRAM = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
inner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("inner", inner.pid, flush=True)
print("ready http://127.0.0.1:4711", flush=True)
time.sleep(600)
"""


def test_a_child_is_ready_when_it_says_so_and_its_group_ends_with_it(tmp_path: Path) -> None:
    child = Child("part", [sys.executable, "-c", PROGRAM], logs=tmp_path)
    assert child.start() == "http://127.0.0.1:4711"
    assert alive(inner_of(child))
    child.stop()
    assert child.ended
    wait_until(lambda: not alive(inner_of(child)), what="the end of what it had started")
    child.stop()


def test_a_child_that_ends_too_early_is_told_with_its_last_words(tmp_path: Path) -> None:
    child = Child("part", [sys.executable, "-c", "import sys; sys.exit('no such database')"], logs=tmp_path)
    with pytest.raises(ChildEnded, match=r"part process ended by itself with code 1: no such database .*part\.log"):
        child.start()
    child.stop()


def test_the_words_of_an_earlier_start_do_not_make_a_child_ready(tmp_path: Path) -> None:
    (tmp_path / "part.log").write_text("ready http://127.0.0.1:1\n")
    child = Child("part", [sys.executable, "-c", "import time; time.sleep(60)"], logs=tmp_path)
    with pytest.raises(NotReady, match="not ready after 1 seconds"):
        child.start(seconds=1)
    child.stop()


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    deaf = "import signal as s, time; s.signal(s.SIGTERM, s.SIG_IGN); print('ready x', flush=True); time.sleep(600)"
    child = Child("part", [sys.executable, "-c", deaf], logs=tmp_path)
    child.start()
    begin = time.monotonic()
    child.stop(seconds=0.5)
    assert child.ended
    assert time.monotonic() - begin < 10


def test_children_of_a_killed_parent_and_theirs_end_at_once(tmp_path: Path) -> None:
    parent = (
        "import sys, time; from pathlib import Path; from engine.cli.processes import Child;"
        f"child = Child('part', [sys.executable, '-c', {PROGRAM!r}], logs=Path({str(tmp_path)!r})); child.start();"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        inner = int((tmp_path / "part.log").read_text().split()[1])
        assert alive(child)
        assert alive(inner)
        process.send_signal(signal.SIGKILL)
    wait_until(lambda: not alive(child) and not alive(inner), what="the end of both")


def test_a_port_in_use_names_the_option_that_chooses_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"Port {port} is in use.*--port"):
            require_free(port, "--port")
    require_free(port, "--port")


def inner_of(child: Child) -> int:
    return int(child.log.read_text().split()[1])


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
