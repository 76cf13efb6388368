"""`countersign up`: the whole product in one process tree, until Ctrl-C or SIGTERM."""

import os
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from engine.cli.processes import Tree
from engine.service import definitions, restoring
from engine.service.app import Countersign
from engine.settings import Settings

HELD = "Nothing is sent: the database was restored. Look, then run `countersign database release`."

console = Console(stderr=True, highlight=False, soft_wrap=True)


def up(
    port: Annotated[int, typer.Option(help="Port of the pages and the API.")] = 8000,
    prefect_port: Annotated[int, typer.Option(help="Port of the Prefect server; 0 = any free one.")] = 0,
    home: Annotated[Path | None, typer.Option(help="Folder of database, key and logs [COUNTERSIGN_HOME].")] = None,
) -> None:
    """Start pages, flows and their Prefect server; stop all of them together."""
    environment = dict(os.environ)
    if home is not None:
        environment["COUNTERSIGN_HOME"] = str(home)
    environment.setdefault("COUNTERSIGN_PUBLIC_URL", f"http://127.0.0.1:{port}")
    os.environ.update(environment)
    settings = Settings()
    stop = on_signals()
    tree = Tree(port=port, environment=environment, logs=settings.home / "logs", prefect_port=prefect_port)
    migrate(settings)
    if name := environment.get("COUNTERSIGN_CLOCK_FILE"):
        console.print(f"Warning: {name} moves the business clock (COUNTERSIGN_CLOCK_FILE). Never set it in production.")
    try:
        tree.start()
        if address := tree.wait_until_ready(stop=stop):
            console.print(f"Pages at {address}; starting the flows …")
        if tree.wait_until_running(stop=stop):
            console.print(f"Ready. Logs in {settings.home / 'logs'}. Ctrl-C stops everything.")
        while not stop.wait(0.5):
            tree.check()
    finally:
        console.print("Stopping …")
        tree.stop()


def on_signals() -> threading.Event:
    """An event that SIGTERM, SIGINT and a closed terminal set."""
    stop = threading.Event()

    def asked(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, asked)
    return stop


def migrate(settings: Settings) -> None:
    """Bring the case database to the newest revision, with the shipped definitions, before anything opens it."""
    app = Countersign.open(settings)
    try:
        app.db.migrate()
        definitions.publish_shipped(app)
        if not restoring.may_send(app):
            console.print(HELD)
    finally:
        app.close()
