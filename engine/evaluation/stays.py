"""Figures of many courses at once: how long steps, people and whole cases took, by the clock and in working time.

Percentiles are nearest rank: the value that a share p of all values do not exceed, itself one of them. Works on
columns, so that 100,000 cases take a fraction of a second. Refuses to know names: keys are numbers, and who may see
which case was asked before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.evaluation.courses import OUTCOMES

STAY = np.dtype(
    [
        ("outcome", "u1"),
        ("round", "<u2"),
        ("step", "<u4"),
        ("person", "<u4"),
        ("start", "<u4"),
        ("end", "<u4"),
        ("due", "<u4"),
    ]
)
"""As `courses.PACKED`."""
_TIME = 33  # bits
Numbers = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Took:
    """How long `n` of them took, in seconds: half by the clock, nine in ten, and the same in working time. `late` of
    the `timed` that had a deadline ended after it."""

    n: int
    half: int
    most: int
    worked_half: int
    worked_most: int
    late: int = 0
    timed: int = 0


class Shifts:
    """Working time up to a moment, in seconds, from when people begin and end to work on each working day."""

    def __init__(self, shifts: Sequence[tuple[datetime, datetime]]) -> None:
        self._opens: Numbers = np.array([int(one.timestamp()) for one, _ in shifts], dtype=np.int64)
        closes: Numbers = np.array([int(one.timestamp()) for _, one in shifts], dtype=np.int64)
        self._lengths: Numbers = closes - self._opens
        self._before: Numbers = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(self._lengths)])

    def between(self, start: Numbers, end: Numbers) -> Numbers:
        """The working seconds from each start to its end."""
        return self._until(end) - self._until(start)

    def _until(self, at: Numbers) -> Numbers:
        if not len(self._opens):
            return np.zeros(len(at), dtype=np.int64)
        place = np.searchsorted(self._opens, at, side="right") - 1
        here = np.maximum(place, 0)
        within = np.minimum(at - self._opens[here], self._lengths[here])
        return np.where(place < 0, 0, self._before[here] + within)


class Stays:
    """The packed stays of cases, one behind the other, in columns. `lengths` say how many bytes are each case's; `case`
    is the place of each stay's case among those."""

    def __init__(self, packed: bytes, lengths: Numbers, shifts: Shifts) -> None:
        table: npt.NDArray[Any] = np.frombuffer(packed, dtype=STAY)
        self.case: Numbers = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths // STAY.itemsize)
        self._shifts = shifts
        self.outcome, self.step, self.person, self.start, self.end, self.due = (
            table[name].astype(np.int64) for name in ("outcome", "step", "person", "start", "end", "due")
        )

    @cached_property
    def is_step(self) -> Marks:
        """Steps themselves, not the people asked there."""
        return np.equal(self.person, 0)

    @cached_property
    def is_open(self) -> Marks:
        """Not decided yet."""
        return np.equal(self.end, 0)

    @cached_property
    def is_late(self) -> Marks:
        """Ended after their deadline."""
        late: Marks = (self.due > 0) & (self.end > self.due)
        return late

    def overdue(self, now: int) -> Marks:
        """Open after their deadline."""
        overdue: Marks = self.is_open & (self.due > 0) & (self.due < now)
        return overdue

    @cached_property
    def returned(self) -> Marks:
        """Sent back from there."""
        returned: Marks = self.outcome == OUTCOMES.index("return")
        return returned

    def took(self, where: Marks, keys: Numbers) -> dict[int, Took]:
        """By key how long those took that ended."""
        ended = where & ~self.is_open
        start, end = self.start[ended], self.end[ended]
        late, timed = self.is_late[ended], self.due[ended] > 0
        return took(keys[ended], end - start, self._shifts.between(start, end), late, timed)

    @cached_property
    def again(self) -> Marks:
        """Steps that their case had entered before."""
        marks: Marks = np.zeros(len(self.case), dtype=bool)
        places = np.flatnonzero(self.is_step)
        # the steps of a case come in the order they were entered, and the sort keeps it
        order = places[np.argsort(self.case[places] << _TIME | self.step[places], kind="stable")]
        same = (self.case[order[1:]] == self.case[order[:-1]]) & (self.step[order[1:]] == self.step[order[:-1]])
        marks[order[1:]] = same
        return marks


def took(
    keys: Numbers, clock: Numbers, worked: Numbers, late: Marks | None = None, timed: Marks | None = None
) -> dict[int, Took]:
    """By key how long they took. Keys lie below 2**30, times below 2**33: then one sort does for both."""
    by_clock, by_work = (np.sort(keys << _TIME | np.maximum(times, 0)) for times in (clock, worked))
    of_late, of_timed = (counted(keys, marks) if marks is not None else {} for marks in (late, timed))
    found: dict[int, Took] = {}
    for first, last in _runs(by_clock >> _TIME):
        half, most = (first + _rank(last - first, share) for share in (50, 90))
        key = int(by_clock[first]) >> _TIME
        found[key] = Took(
            n=last - first,
            half=_time(by_clock, half),
            most=_time(by_clock, most),
            worked_half=_time(by_work, half),
            worked_most=_time(by_work, most),
            late=of_late.get(key, 0),
            timed=of_timed.get(key, 0),
        )
    return found


def counted(keys: Numbers, where: Marks) -> dict[int, int]:
    """By key how many."""
    counts = np.bincount(keys[where])
    return {key: int(counts[key]) for key in np.flatnonzero(counts).tolist()}


def distinct(keys: Numbers, cases: Numbers, where: Marks) -> dict[int, int]:
    """By key in how many cases."""
    pairs = np.sort(keys[where] << _TIME | cases[where])  # faster than unique, which hashes
    is_new = np.ones(len(pairs), dtype=bool)
    is_new[1:] = np.diff(pairs) != 0
    return counted(pairs >> _TIME, is_new)


def _time(ordered: Numbers, place: int) -> int:
    return int(ordered[place]) & (1 << _TIME) - 1


def _rank(n: int, share: int) -> int:
    """The place of the nearest rank among `n` sorted values."""
    return max(-(-n * share // 100), 1) - 1


def _runs(ordered: Numbers) -> Iterator[tuple[int, int]]:
    if not len(ordered):
        return
    bounds = [0, *(np.flatnonzero(np.diff(ordered)) + 1).tolist(), len(ordered)]
    yield from pairwise(bounds)
