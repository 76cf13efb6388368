"""What the demo stands on: its folder, its clock, its customers and the servers around the product.

The customers, the mailbox and the SMS gateway are development tools under `deploy/dev`; each server is a process of
its own, reached over the network as the real one would be.
"""

import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console

from engine import clock
from engine.cli.demo.bases import DEV, Base
from engine.cli.demo.people import OFFICES, PEOPLE
from engine.cli.processes import Child, Tree
from engine.errors import Refused
from engine.organisation import Workdays
from engine.service import definitions, people
from engine.service.app import Countersign
from engine.settings import Settings


class AlreadyThere(Refused):
    """{where} already holds a demo; go on with --resume, or choose another --dir or --database."""


class NothingToResume(Refused):
    """{where} holds no demo that could be resumed; start one without --resume."""


@dataclass
class Setting:
    """The folder of one demo and the processes started in it. A context manager: leaving it stops them."""

    folder: Path
    database_url: str
    port: int
    console: Console
    base: Base
    noted: dict[str, Any] = field(default_factory=dict)
    children: list[Child] = field(default_factory=list)
    tree: Tree | None = None

    @property
    def address(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self.noted['port']}"

    @property
    def mails(self) -> Path:
        """The folder in which the mailbox puts every mail."""
        return self.folder / "mails"

    @property
    def logs(self) -> Path:
        """The folder of the logs."""
        return self.folder / "logs"

    @property
    def clock_file(self) -> Path:
        """The file that moves the business clock."""
        return self.folder / "clock"

    @property
    def data(self) -> Path:
        """The dataset's folder."""
        return self.folder / "data"

    @property
    def gateway_log(self) -> Path:
        """The gateway's own log: one line per message that it accepted."""
        return self.folder / "gateway.jsonl"

    def note(self, **values: Any) -> None:
        """Remember across a crash."""
        self.noted |= values
        fresh = self.folder / "demo.new"
        fresh.write_text(json.dumps(self.noted, ensure_ascii=False, indent=1))
        fresh.replace(self.folder / "demo.json")

    def prepare(self, *, resume: bool) -> None:
        """Make the folder, or find it again with `resume`."""
        found = self.folder / "demo.json"
        if resume:
            if not found.exists():
                raise NothingToResume(where=self.folder)
            self.noted = json.loads(found.read_text())
            self.database_url = self.noted["database"]
        else:
            if found.exists():
                self._discard()
            self.folder.mkdir(parents=True, exist_ok=True)
            self.note(database=self.database_url, port=self.port)
        os.environ["COUNTERSIGN_CLOCK_FILE"] = str(self.clock_file)
        if not self.clock_file.exists():
            clock.move(self.clock_file, self._first_morning() - clock.now())
            self.note(today=clock.now().isoformat())

    def _discard(self) -> None:
        """A finished or abandoned embedded demo makes room for the next; one in a database of its own does not."""
        for name in (
            "demo.json",
            "clock",
            "gateway.jsonl",
            "countersign.db",
            "countersign.db-wal",
            "countersign.db-shm",
        ):
            (self.folder / name).unlink(missing_ok=True)
        for name in ("data", "mails", "logs", "prefect"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def _first_morning(self) -> datetime:
        """Half past nine of the next working day, so that nothing waits for office hours."""
        zone = Settings().zone
        calendar = Workdays(zone)
        day = clock.now().astimezone(zone).replace(hour=9, minute=30, second=0, microsecond=0) + timedelta(days=1)
        while not calendar.is_workday(day.date()):
            day += timedelta(days=1)
        return day

    def environment(self, mail_port: int, sms: str) -> dict[str, str]:
        """The settings of the product for this demo."""
        return {
            "COUNTERSIGN_HOME": str(self.folder),
            "COUNTERSIGN_DATABASE_URL": self.database_url,
            "COUNTERSIGN_DATA_DIR": str(self.data),
            "COUNTERSIGN_PUBLIC_URL": self.address,
            "COUNTERSIGN_MAIL_URL": f"mailto://127.0.0.1:{mail_port}?from=countersign@example.org&to={{to}}&mode=insecure",
            "COUNTERSIGN_SMS_URL": sms,
            "COUNTERSIGN_SMS_SECRET": "demo-gateway-secret",
            "COUNTERSIGN_CLOCK_FILE": str(self.clock_file),
            "COUNTERSIGN_POLL_SECONDS": "0.3",
        }

    def seed(self) -> None:
        """Offices, people and definitions into the database, customers into the dataset; once."""
        if self.noted.get("seeded"):
            return
        app = Countersign.open(Settings())
        try:
            app.db.migrate()
            if people.any_case(app):
                raise AlreadyThere(where="the database")
            people.load(app, OFFICES, PEOPLE)
            definitions.publish_shipped(app)
        finally:
            app.close()
        self.note(seeded=True)

    def make_customers(self) -> None:
        """Fill the dataset, once; a half-made one is thrown away."""
        if not self.noted.get("base"):
            shutil.rmtree(self.data, ignore_errors=True)
            self.base.fill(self.data, as_of=self.noted["today"][:10], console=self.console)
            self.note(base=True)

    def furnish(self) -> None:
        """Offers, groups and a contact policy beside the case, once."""
        if not self.noted.get("furnished"):
            with self.console.status("furnishing it with offers, groups and a policy"):
                app = Countersign.open(Settings())
                try:
                    self.base.furnish(app)
                finally:
                    app.close()
            self.note(furnished=True)

    def start(self) -> None:
        """Start mailbox, gateway and the product's process tree; returns when the pages answer."""
        self.logs.mkdir(exist_ok=True)
        self.mails.mkdir(exist_ok=True)
        mailbox = self._child("mailbox.py", "--folder", str(self.mails), "--port", "0")
        gateway = self._child(
            "gateway.py", "--log", str(self.gateway_log), "--port", "0",
            "--callback", self.address, "--secret", "demo-gateway-secret",
        )  # fmt: skip
        os.environ.update(self.environment(int(mailbox.address.rsplit(":", 1)[1]), gateway.address))
        self.seed()
        self.tree = Tree(port=self.noted["port"], environment=dict(os.environ), logs=self.logs)
        self.tree.start()
        self.make_customers()
        self.furnish()
        self.tree.wait_until_ready()

    def check(self) -> None:
        """Raises where one of the processes ended by itself."""
        if self.tree is not None:
            self.tree.check()
        for child in self.children:
            child.check()

    def _child(self, script: str, *arguments: str) -> Child:
        child = Child(script.removesuffix(".py"), [sys.executable, str(DEV / script), *arguments], logs=self.logs)
        self.children.append(child)
        child.start()
        return child

    def __enter__(self) -> "Setting":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.tree is not None:
            self.tree.stop()
        for child in reversed(self.children):
            child.stop()
