"""The loop inside a flow run: look for due work, do it, look again, until the next scheduled run takes over.

A run of its own for every look would cost a process start each time (1.6 CPU-seconds); a look in a loop costs a
query. It refuses to know what the work is, and one failing round never ends the loop: what is due stays due in the
database, so the next round tries again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from engine.settings import Settings

MARGIN = timedelta(seconds=0.5)  # so that the next run finds its place free
NAP = 0.25  # how soon a request to stop is seen

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to go on (seconds from now), how long to rest when nothing was due, which file asks to stop."""

    seconds: float
    rest: float
    stop: Path

    @classmethod
    def of(cls, settings: Settings, *, scheduled: datetime, now: datetime) -> "Pace":
        """Until the next run after `now` of a schedule that fired at `scheduled`, by the machine's clock."""
        every = timedelta(seconds=settings.run_seconds)
        late = max(now - scheduled, timedelta())
        left = every - late % every - MARGIN
        return cls(seconds=max(left.total_seconds(), 0), rest=settings.poll_seconds, stop=stop_file(settings))


def stop_file(settings: Settings) -> Path:
    """The file whose presence asks every loop of this home to end: a signal would interrupt a transaction."""
    return settings.home / "flows.stop"


def repeat(work: Callable[[], int], pace: Pace) -> int:
    """Do rounds of `work` (which returns how much it did) until the time is up or a stop is asked for.

    Returns the sum. Always does one round, unless it is to stop. The last round's failure, if it failed, is raised.
    """
    end = time.monotonic() + pace.seconds
    done = 0
    failure: Exception | None = None
    while not pace.stop.exists():
        try:
            did = work()
            failure = None
        except Exception as error:
            log.exception("round_failed")
            did, failure = 0, error
        done += did
        if time.monotonic() >= end:
            break
        if not did:
            _rest(min(pace.rest, end - time.monotonic()), pace.stop)
    if failure is not None:
        raise failure
    return done


def _rest(seconds: float, stop: Path) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not stop.exists():
        time.sleep(min(left, NAP))
