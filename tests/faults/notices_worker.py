"""A worker that sends notices as a process of its own: `python -m tests.faults.notices_worker DATABASE HOME MAIL_URL`.

It prints a line when it has handed a mail over and before that is written down, so that it can be killed in between.
"""

import sys
import time
from pathlib import Path

from engine.service.app import Countersign
from engine.service.effects import work
from engine.service.messaging import Letter
from engine.settings import Settings
from engine.store.session import Database
from notifications.channels import sender

MAILS = 3  # that it may finish before it stays at one


def main(database_url: str, home: str, mail_url: str) -> None:
    """Work until killed."""
    settings = Settings(home=Path(home), database_url=database_url, mail_url=mail_url, public_url="http://testserver")
    app = Countersign(settings, Database(settings.database))
    send, sent = sender(settings), 0

    def notify(letter: Letter) -> None:
        nonlocal sent
        send(letter)
        sent += 1
        if sent >= MAILS:
            print(sent, flush=True)
            time.sleep(30)

    while True:
        if not work(app, notify).any:
            time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
