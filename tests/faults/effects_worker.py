"""A worker of effects as a process of its own: `python -m tests.faults.effects_worker DATABASE HOME`.

It takes what is pending, as the tick does, says what it has in its hands, and stays there until it is killed.
"""

import sys
import time
from pathlib import Path

from engine.machine.outcome import NotifyOutcome, NotifyTask
from engine.service.app import Countersign
from engine.service.effects import BATCH, LEASE, PROMPT
from engine.settings import Settings
from engine.store import outbox
from engine.store.session import Database

IN_ITS_HANDS = 30.0


def main(database_url: str, home: str) -> None:
    """Take, say the first occasion, and stay."""
    settings = Settings(home=Path(home), database_url=database_url)
    app = Countersign(settings, Database(settings.database))
    with app.db.begin() as tx:
        taken = outbox.claim(tx, PROMPT, limit=BATCH, seconds=LEASE.total_seconds())
    told = [one.effect.occasion for one in taken if isinstance(one.effect, NotifyTask | NotifyOutcome)]
    print(told[0], flush=True)
    time.sleep(IN_ITS_HANDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
