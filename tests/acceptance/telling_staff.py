"""What tests of notices share: a moved clock, a mail server that can be down, what it took, the messages as kept."""

import re
import signal
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine import clock
from engine.service.app import Countersign
from engine.service.effects import work
from engine.settings import Settings
from engine.store.session import Database
from engine.store.tables import messages
from notifications.channels import sender
from tests.acceptance.offices import load_people
from tests.support import ROOT, free_port

MORNING = datetime(2026, 12, 1, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))  # a Tuesday


class MailServer:
    """The development mail server as a process, on one port, which may be down."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Its Apprise address."""
        return f"mailto://127.0.0.1:{self.port}?from=countersign@example.org&to={{to}}&mode=insecure"

    def start(self) -> None:
        program = [sys.executable, str(ROOT / "deploy/dev/mailbox.py"), "--port", str(self.port)]
        self._process = subprocess.Popen(
            [*program, "--folder", str(self.folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert self._process.stdout is not None
        assert re.match("ready", self._process.stdout.readline())

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            assert self._process.wait(20) == 0
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def mails(self) -> list[EmailMessage]:
        """What it took, in order."""
        found = sorted(self.folder.glob("*.eml")) if self.folder.exists() else []
        return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in found]  # type: ignore[misc]

    def taken(self) -> Counter[tuple[str, str]]:
        """How often it took which subject for whom."""
        return Counter((str(mail["To"]), str(mail["Subject"])) for mail in self.mails())


def staffed(db: Database, home: Path, **settings: object) -> Countersign:
    """The application with the demo's people."""
    url = db.url.render_as_string(hide_password=False)
    app = Countersign.open(Settings(home=home, database_url=url, public_url="http://testserver", **settings))  # type: ignore[arg-type]
    load_people(app)
    return app


def tick(app: Countersign, rounds: int = 50) -> int:
    """Work as the flow does, until nothing is left for now. How many messages went."""
    went = 0
    for _ in range(rounds):
        did = work(app, sender(app.settings))
        went += did.messages
        if not (did.timers or did.effects or did.messages):
            return went
    raise AssertionError("there is always something to do")


def pass_time(hands: Path, app: Countersign, span: timedelta, *, step: timedelta = timedelta(seconds=30)) -> int:
    """Let time pass in steps, working at each; how many messages went."""
    went, passed = 0, timedelta()
    while passed < span:
        passed += step
        clock.move(hands, step)
        went += tick(app)
    return went


def states(app: Countersign, channel: str = "email") -> Counter[str]:
    """How many messages of a channel are in which state."""
    with app.db.read() as tx:
        return Counter(tx.execute(sa.select(messages.c.state).where(messages.c.channel == channel)).scalars())
