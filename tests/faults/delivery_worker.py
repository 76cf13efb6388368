"""A delivery worker as a process: `python -m tests.faults.delivery_worker DATABASE HOME SMS_URL [GUARANTEE]`.

It prints a line when it starts to work, works until nothing has been due for a second, and prints how many it handled.
With `--nursery` in front it starts such a worker for every line it reads, as a child that is at work in milliseconds.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import pyarrow.parquet

from engine.service import delivering
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store.session import Database
from tests.servers.gateway import SECRET

LOADED = (aiohttp, pyarrow.parquet)  # a child is not to load them anew


def main(database_url: str, home: str, sms_url: str, guarantee: Any = "exactly_once_effect") -> None:
    """Work until idle."""
    settings = Settings(
        home=Path(home), database_url=database_url, sms_url=sms_url, sms_secret=SECRET, sms_guarantee=guarantee
    )
    app = Countersign(settings, Database(settings.database))
    print("working", os.getpid(), flush=True)
    idle = handled = 0
    while idle < 20:
        done = delivering.work(app, f"worker-{os.getpid()}", limit=100)
        idle = 0 if done else idle + 1
        handled += done.handled if done else 0
        if not done:
            time.sleep(0.05)
    app.close()
    print("handled", handled, flush=True)


def nursery(*arguments: str) -> None:
    """Start a worker for every line of the input; nobody waits for them."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for _ in sys.stdin:
        if os.fork() == 0:
            main(*arguments)
            os._exit(0)


if __name__ == "__main__":
    if sys.argv[1] == "--nursery":
        nursery(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
