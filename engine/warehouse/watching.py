"""Ends what runs on a server or a cluster when its time is over, or when nobody wants it any more.

Refuses to know what runs there: it is given what interrupts it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from engine.errors import SelectionFailed
from engine.warehouse.run import Started

AGAIN_SECONDS = 0.5
"""Between two interruptions: the next statement may have begun a moment after the first."""


class Watch:
    """Looks after one run."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._woken, self._over = Event(), Event()
        self._is_killed = False
        self.is_ended = False

    def kill(self) -> None:
        """End the run."""
        self._is_killed = True
        self._woken.set()

    def failure(self) -> SelectionFailed:
        """What is told of a run that was ended."""
        if self._is_killed:
            return SelectionFailed(reason="nobody waits for it any more")
        return SelectionFailed(reason=f"it took longer than {self._seconds:g} seconds and was stopped")

    def wait(self, interrupt: Callable[[], object]) -> None:
        """Interrupt the run once it has to end, until it has."""
        self._woken.wait(self._seconds)
        while not self._over.is_set():
            self.is_ended = True
            interrupt()
            self._over.wait(AGAIN_SECONDS)

    def close(self) -> None:
        """The run is over."""
        self._over.set()
        self._woken.set()


@contextmanager
def watched(seconds: float, interrupt: Callable[[], object], started: Started | None = None) -> Iterator[Watch]:
    """What runs in the block is interrupted after so long a time, or when whom `started` told ends it."""
    watch = Watch(seconds)
    thread = Thread(target=watch.wait, args=(interrupt,), daemon=True)
    thread.start()
    try:
        if started:
            started(watch)
        yield watch
    finally:
        watch.close()
        thread.join(AGAIN_SECONDS)
