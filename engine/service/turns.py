"""Whose count runs on this server: one at a time for each person, the newest; only so many at once for all.

Somebody who types asks for a count after every change, and only wants the last one. Refuses to make anybody wait long:
who finds the server busy is told.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import CountOvertaken, CountsBusy
from engine.warehouse.job import Endable

MOST = 4
"""Counts at once on one server; each takes all cores for about a second."""
PATIENCE = 3.0
"""Seconds that a count waits for its turn."""


class Turn:
    """A count that runs, or waits to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: Endable | None = None
        self.is_overtaken = False

    def runs(self, process: Endable) -> None:
        """The process, or the statement, that does it; ended at once where a newer count came first."""
        with self._lock:
            self._process = process
            if self.is_overtaken:
                process.kill()

    def give_way(self) -> None:
        """End it, for a newer one."""
        with self._lock:
            self.is_overtaken = True
            if self._process is not None:
                self._process.kill()  # does nothing to what has ended


class Turns:
    """The counts of one server. Safe to share between threads."""

    def __init__(self, most: int = MOST, patience: float = PATIENCE) -> None:
        self._free = threading.Semaphore(most)
        self._patience = patience
        self._lock = threading.Lock()
        self._newest: dict[str, Turn] = {}

    @contextmanager
    def turn(self, person: str) -> Iterator[Turn]:
        """Count in this block. CountOvertaken where a newer count of the person came meanwhile; CountsBusy where others
        count all the time."""
        mine = Turn()
        with self._lock:
            older = self._newest.get(person)
            self._newest[person] = mine
        if older is not None:
            older.give_way()
        try:
            if not self._free.acquire(timeout=self._patience):
                raise CountsBusy()
            try:
                yield mine
            except Exception as error:
                if mine.is_overtaken:
                    raise CountOvertaken() from error
                raise
            finally:
                self._free.release()
        finally:
            with self._lock:
                if self._newest.get(person) is mine:
                    del self._newest[person]
