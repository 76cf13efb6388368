"""An erasure as a process that dies at a step: `python -m tests.faults.erasing_worker DATABASE HOME NUMBER STEP`.

It confirms the erasure, or goes on with it, and is killed before its STEPth file is renamed or removed.
"""

import os
import signal
import sys
from pathlib import Path

from engine.service import erasing
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.settings import Settings
from engine.store.session import Database


def die_at(step: int) -> None:
    """Be killed, without any chance to clean up, before that change of a name in the file system."""
    seen = 0

    def heard(event: str, _args: object) -> None:
        nonlocal seen
        if event in {"os.rename", "os.remove"}:
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(heard)


def main(database_url: str, home: str, number: int, step: int) -> None:
    """Carry it out, as far as it comes."""
    settings = Settings(home=Path(home), database_url=database_url)
    app = Countersign(settings, Database(settings.database))
    die_at(step)
    if erasing.view(app, OPERATOR, number).state == "open":
        erasing.decide(app, OPERATOR, number, confirm=True)
    erasing.go_on(app, OPERATOR, number)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
