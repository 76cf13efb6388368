"""Whole cases through public doors, as `countersign demo` lives them: every server is a real process."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from engine.cli.demo.telecom import TRUE_UPLIFT
from tests.servers.prefect import made_before
from tests.support import free_port, shared, wait_until

PUBLISHED = {
    ("mens", "visit"): (0.076590, 0.069953, 0.083226),
    ("womens", "visit"): (0.045233, 0.038894, 0.051573),
    ("mens", "spend"): (0.769827, 0.485149, 1.054505),
    ("womens", "spend"): (0.424412, 0.168965, 0.679860),
}
"""Lift and 95% interval per arm and metric, as the independent publication of the e-mail test has them."""

pytestmark = pytest.mark.timeout(400)


def run_demo(folder: Path, *options: str) -> subprocess.Popen[str]:
    """Start `countersign demo --exit` in a session of its own."""
    made_before(folder)
    program = [sys.executable, "-m", "engine.cli.main", "demo", "--exit", "--dir", str(folder), *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    return subprocess.Popen(
        program,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=environment,
    )


def finish(demo: subprocess.Popen[str]) -> str:
    """What it printed; fails unless it ended with 0."""
    output, _ = demo.communicate(timeout=300)
    assert demo.returncode == 0, output
    return output


def the_case(folder: Path) -> dict[str, Any]:
    """The closed case as the API showed it."""
    case = json.loads((folder / "case.json").read_bytes())
    assert case["row"]["state"] == "closed"
    return dict(case)


def messages(folder: Path) -> Counter[str]:
    """How often the gateway sent to each number, by the gateway's own log."""
    lines = (folder / "gateway.jsonl").read_text().splitlines()
    return Counter(json.loads(line)["to"] for line in lines)


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, in whatever group it put itself."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, stack = [], [pid]
    while stack:
        below = children.get(stack.pop(), [])
        found += below
        stack += below
    return found


def alive(pid: int) -> bool:
    """Whether a process still runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def is_whole(folder: Path, output: str) -> Counter[str]:
    """The case ran to its close-out, found the planted effect, and messaged nobody twice; who was messaged."""
    assert "is closed" in output
    told = the_case(folder)
    conversion = next(row for row in told["evaluations"][-1]["uplift"] if row["metric"] == "conversion")
    # twice the 95% interval: the arms are drawn anew for every date, and 1 date in 20 lies outside the interval itself
    assert abs(conversion["lift"] - TRUE_UPLIFT) < 2 * (conversion["high"] - conversion["low"]) / 2
    sent = messages(folder)
    assert len(sent) > 1000
    assert set(sent.values()) == {1}
    return sent


def test_a_whole_case_runs_from_proposal_to_close_out(pg_url: str, tmp_path: Path):
    options = ["--customers", "20000", "--port", str(free_port()), "--database", pg_url]
    is_whole(tmp_path / "demo", finish(run_demo(tmp_path / "demo", *options)))


def test_after_kill_9_of_the_whole_tree_in_the_second_wave_nobody_is_forgotten_or_messaged_twice(tmp_path: Path):
    folder = tmp_path / "demo"
    demo = run_demo(folder, "--customers", "60000", "--port", str(free_port()))
    log = folder / "gateway.jsonl"
    wait_until(
        lambda: demo.poll() is not None or (log.exists() and log.read_bytes().count(b"\n") > 3000),
        seconds=200,
        what="the second wave",
    )
    assert demo.poll() is None, demo.communicate()[0]
    below = descendants(demo.pid)
    for pid in [demo.pid, *below]:
        os.kill(pid, signal.SIGKILL)
    demo.communicate()
    wait_until(lambda: not any(map(alive, below)), seconds=10, what="the end of every process")
    before = len(messages(folder))

    output = finish(run_demo(folder, "--resume"))

    sent = is_whole(folder, output)
    assert len(sent) > before
    assert sum(wave["audience"] for wave in the_case(folder)["waves"]) == len(sent) > 3000


def test_the_real_customers_of_the_e_mail_test_give_the_published_lifts(tmp_path: Path):
    shared("data/hillstrom/hillstrom.csv.gz")
    options = ["--dataset", "hillstrom", "--data", str(shared("data")), "--port", str(free_port())]
    output = finish(run_demo(tmp_path / "demo", *options))
    assert "is closed" in output
    last = the_case(tmp_path / "demo")["evaluations"][-1]
    lifts = {(row["arm"], row["metric"]): row for row in last["uplift"]}
    for (arm, metric), (lift, low, high) in PUBLISHED.items():
        row = lifts[arm, metric]
        assert (round(row["lift"], 6), round(row["low"], 6), round(row["high"], 6)) == (lift, low, high), (arm, metric)
    assert (round(last["srm_chi2"], 5), round(last["srm_p"], 4)) == (0.20253, 0.9037)


def test_the_demo_says_what_to_do_where_it_cannot_run(tmp_path: Path):
    refused = {
        ("--resume",): "start one without --resume",
        ("--database", "postgresql://nobody@127.0.0.1:1/none"): "cannot be used",
        ("--dataset", "hillstrom"): "needs --data",
    }
    for options, words in refused.items():
        demo = run_demo(tmp_path / "demo", "--port", str(free_port()), *options)
        output, _ = demo.communicate(timeout=60)
        assert demo.returncode != 0
        assert words in " ".join(output.split()), output
        assert "Traceback" not in output
