"""A delivery worker as a process of its own: `python -m tests.faults.delivery_worker DATABASE HOME SMS_URL`.

It prints a line when it starts to work, and works until nothing has been due for a second.
"""

import sys
import time
from pathlib import Path

from engine.service import delivering
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store.session import Database
from tests.servers.gateway import SECRET


def main(database_url: str, home: str, sms_url: str) -> None:
    """Work until idle."""
    settings = Settings(home=Path(home), database_url=database_url, sms_url=sms_url, sms_secret=SECRET)
    app = Countersign(settings, Database(settings.database))
    print("working", flush=True)
    idle = 0
    while idle < 20:
        done = delivering.work(app, f"worker-{id(app)}", limit=100)
        idle = 0 if done else idle + 1
        if not done:
            time.sleep(0.05)
    app.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
