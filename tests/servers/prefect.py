"""A database as Prefect's server makes it: copied for those that only want to have started, since it takes twelve
seconds of CPU to make. One is made by a first start with `countersign up`, as the tutorial has it."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support import SERVER_FOLDER


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
