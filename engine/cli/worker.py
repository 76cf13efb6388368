"""`countersign worker`: a further delivery worker, on any machine with the same settings and the same data folder."""

import os
import sys
from typing import Annotated

import typer


def worker(
    name: Annotated[
        str,
        typer.Option(help="Its name in logs and on the page Operation; empty = the machine's, with a number."),
    ] = "",
) -> None:
    """Send running waves beside the flows, until SIGTERM or Ctrl-C. Start as many as you like; PostgreSQL only."""
    if name and not all(sign.isalnum() or sign in "-_." for sign in name[:60]):
        raise typer.BadParameter("letters, digits, dots and dashes", param_hint="--name")
    # The worker takes this process's place, so that signals and the exit code are its own.
    os.execv(sys.executable, [sys.executable, "-m", "flows.worker", "--name", name[:60]])  # noqa: S606
