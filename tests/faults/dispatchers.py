"""Dispatchers of notices that are born quickly, to be killed: `python -m tests.faults.dispatchers DATABASE HOME`.

Everything is loaded once; each line on the standard input makes one more dispatcher, as a process of its own with its
own connections, and its process id is printed.
"""

import os
import signal
import sys
import time
from pathlib import Path

from engine.service.app import Countersign
from engine.service.messaging import send_due
from engine.settings import Settings
from engine.store.session import Database
from notifications.channels import sender


def main(database_url: str, home: str) -> None:
    """Make dispatchers until the standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    settings = Settings(home=Path(home), database_url=database_url, private_addresses=True)
    for _ in sys.stdin:
        born = os.fork()
        if not born:
            dispatch(settings)
        print(born, flush=True)


def dispatch(settings: Settings) -> None:
    """Send what may go, until killed."""
    app, notify = Countersign(settings, Database(settings.database)), sender(settings)
    while True:
        if send_due(app, notify) == (0, 0):
            time.sleep(0.02)


if __name__ == "__main__":
    main(*sys.argv[1:])
