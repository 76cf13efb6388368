"""A worker of effects as a process of its own: `python -m tests.faults.effects_worker DATABASE HOME`.

It carries out what is pending, prints a line for every notice, and stays at it for so long that it can be killed there.
"""

import sys
import time
from pathlib import Path

from engine.service.app import Countersign
from engine.service.effects import Notice, work
from engine.settings import Settings
from engine.store.session import Database

AT_A_NOTICE = 30.0


def notify(notice: Notice) -> None:
    """Say whom, and stay."""
    print(notice.occasion, flush=True)
    time.sleep(AT_A_NOTICE)


def main(database_url: str, home: str) -> None:
    """Work until killed."""
    settings = Settings(home=Path(home), database_url=database_url)
    app = Countersign(settings, Database(settings.database))
    while True:
        if not work(app, notify).any:
            time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
