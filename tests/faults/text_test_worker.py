"""A worker as a process that settles once: `python -m tests.faults.text_test_worker DATABASE HOME [FUNCTION]`.

It prints a line when it is about to settle and waits for a line of the input, so that several begin at once. Where a
function is named (`module:name`), it prints a second line when it comes to it, and waits there to be killed.
"""

import importlib
import sys
import time
from pathlib import Path
from typing import NoReturn

from engine.service import delivering
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store.session import Database
from tests.servers.gateway import SECRET


def main(database_url: str, home: str, function: str = "") -> None:
    """Settle once."""
    settings = Settings(home=Path(home), database_url=database_url, sms_secret=SECRET)
    app = Countersign(settings, Database(settings.database))

    def stand(*_: object, **__: object) -> NoReturn:
        print("there", flush=True)
        while True:
            time.sleep(1)

    if function:
        module, _, name = function.partition(":")
        setattr(importlib.import_module(module), name, stand)
    print("ready", flush=True)
    sys.stdin.readline()
    delivering.settle(app)
    app.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
