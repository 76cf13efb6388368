"""`countersign serve`: the pages and the REST API alone, for a machine where flows run elsewhere."""

import os
import sys
from typing import Annotated

import typer

from engine.cli.processes import require_free
from engine.cli.up import migrate
from engine.settings import Settings


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
) -> None:
    """Serve the pages and the REST API until SIGTERM or Ctrl-C. Notices and deliveries need `countersign up`."""
    require_free(port, "--port")
    migrate(Settings())
    # The server takes this process's place, so that signals and the exit code are its own.
    os.execv(sys.executable, [sys.executable, "-m", "api", "--host", host, "--port", str(port)])  # noqa: S606
