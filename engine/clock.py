"""The only place that reads the time of day.

`COUNTERSIGN_CLOCK_FILE` may name a file that holds an offset in seconds: the demo and the tests move the business
clock with it (an evaluation after 30 days is then tried in seconds). Leases and locks never use this clock, they use
the database's.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path


def now() -> datetime:
    """The business time, aware, in UTC."""
    return datetime.now(UTC) + offset()  # noqa: TID251  this is the one place


def offset() -> timedelta:
    """How far the business clock is ahead of the machine's; zero where nobody moved it."""
    name = os.environ.get("COUNTERSIGN_CLOCK_FILE")
    if not name:
        return timedelta()
    try:
        return timedelta(seconds=float(Path(name).read_text() or 0))
    except FileNotFoundError:
        return timedelta()


def move(path: Path, by: timedelta) -> None:
    """Move the business clock of every process that reads `path` forward by `by`."""
    ahead = float(path.read_text() or 0) if path.exists() else 0.0
    fresh = path.with_suffix(".new")
    fresh.write_text(str(ahead + by.total_seconds()))
    fresh.replace(path)
