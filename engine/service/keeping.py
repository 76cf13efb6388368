"""Keeps leases while their work goes on, so that they can be short.

A short lease lets others take over soon after a crash; the work itself may take long. Refuses to end the work when a
lease was lost: the fencing token makes the loser's last write count for nothing.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog

from engine.errors import Unavailable

log = structlog.get_logger()


@contextmanager
def kept(extend: Callable[[], None], *, lease: timedelta) -> Iterator[None]:
    """Call `extend` three times per `lease`, on a thread of its own, until the block is left."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(lease.total_seconds() / 3):
            try:
                extend()
            except Unavailable as error:
                log.warning("lease_not_extended", error=error.message)

    thread = threading.Thread(target=beat, name="leases", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
