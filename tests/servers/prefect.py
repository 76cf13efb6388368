"""A database as Prefect's server makes it: copied for those that only want to have started, since it takes twelve
seconds of CPU to make. One is made by a first start with `countersign up`, as the tutorial has it."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

from engine.cli.processes import Child, prefect_settings
from tests.support import SERVER_FOLDER, free_port, wait_until


def made_before(home: Path) -> None:
    """Put such a database where the product in `home` looks for it; what is there stays."""
    if (home / "prefect").exists():
        return
    shared = Path(os.environ[SERVER_FOLDER]) / "prefect"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "prefect.db").exists():
            _make(shared)
    (home / "prefect").mkdir(parents=True)
    shutil.copyfile(shared / "prefect.db", home / "prefect" / "prefect.db")


def _make(folder: Path) -> None:
    fresh = folder.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    subprocess.run(
        [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"],
        env=os.environ | {"PREFECT_HOME": str(fresh), "DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
        check=True,
        capture_output=True,
    )
    fresh.rename(folder)  # its log is written back by then: the last connection has ended


@contextmanager
def running_prefect(home: Path, database: str = "") -> Iterator[dict[str, str]]:
    """A Prefect server for the length of a block; the environment of those who work with it. Its database is a copy of
    the one made once, or the PostgreSQL `database`, whose tables it makes first: that takes half a minute."""
    home.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **prefect_settings({"COUNTERSIGN_HOME": str(home)}, "")}
    port = free_port()
    environment["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
    if database:
        plain = database.replace("postgresql+psycopg2://", "postgresql+asyncpg://")
        environment["PREFECT_API_DATABASE_CONNECTION_URL"] = plain
    else:
        made_before(home)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    server = Child("prefect", command, logs=home / "logs", environment=environment)
    server.launch()
    try:
        wait_until(lambda: _answers(environment["PREFECT_API_URL"]), seconds=120, what="the Prefect server")
        yield environment
    finally:
        server.stop()


def runs(url: str, name: str) -> list[tuple[str, str]]:
    """Name and state of the runs of the flow `name`."""
    body = json.dumps({"flows": {"name": {"any_": [name]}}}).encode()
    asked = Request(f"{url}/flow_runs/filter", body, {"Content-Type": "application/json"})
    with urlopen(asked, timeout=30) as answer:
        return [(run["name"], run["state_type"]) for run in json.load(answer)]


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
