"""Divides a frozen list into waves and chunks: who goes first is a stable hash, how many are shares of a count.

The same list, salt and plan give the same waves on every machine and after every crash. Refuses to read the list: it
divides counts, and names the order that the reader must put the customers in.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from engine.delivery.plan import Wave

SMOOTH_SECONDS = 10


@dataclass(frozen=True, slots=True)
class PlannedWave:
    """One wave over one channel: the customers `first` to `first + size - 1` of the list in turn.

    A plan's wave with two channels is two of these over the same customers. `position` counts from 1.
    """

    position: int
    channel: str
    wave: Wave
    first: int
    size: int

    @property
    def file(self) -> str:
        """Name of the wave's file."""
        return f"{self.position}-{self.wave.name}-{self.channel}.parquet"


@dataclass(frozen=True, slots=True)
class Chunk:
    """The rows `first` to `last`, both included, of a wave: what one worker claims at once."""

    position: int
    first: int
    last: int


def turn(customer: str, salt: str) -> str:
    """Sort key of a customer: md5("<salt>:<customer>") in hexadecimal, the same as DuckDB's and PostgreSQL's md5."""
    return hashlib.md5(f"{salt}:{customer}".encode(), usedforsecurity=False).hexdigest()


def sizes(total: int, waves: Sequence[Wave]) -> tuple[int, ...]:
    """How many customers each wave gets, in order. Shares are of `total`, rounded half up; nobody gets more than is
    left; without a `rest` the remainder of a list is reached by no wave."""
    left, result = total, []
    for wave in waves:
        if wave.share == "rest":
            wanted = left
        elif wave.share is not None:
            wanted = int((total * wave.share).quantize(Decimal(1), ROUND_HALF_UP))
        else:
            assert wave.size is not None
            wanted = wave.size
        result.append(min(wanted, left))
        left -= result[-1]
    return tuple(result)


def divide(total: int, waves: Sequence[Wave]) -> tuple[PlannedWave, ...]:
    """All waves of a list of `total` customers, one per channel, in the order in which they start."""
    planned: list[PlannedWave] = []
    first = 0
    for wave, size in zip(waves, sizes(total, waves), strict=True):
        for channel in wave.channel:
            planned.append(PlannedWave(len(planned) + 1, channel, wave, first, size))
        first += size
    return tuple(planned)


def chunk_size(wave: Wave) -> int:
    """Recipients per chunk: the plan's, but never more than the rate lets out in ten seconds.

    A chunk leaves at once; at 2000/min a chunk of 1,000 would be a burst and then half a minute of silence.
    """
    if wave.rate is None:
        return wave.chunk
    return max(1, min(wave.chunk, int(wave.rate.per_second * SMOOTH_SECONDS)))


def chunks(size: int, per_chunk: int) -> Iterator[Chunk]:
    """The chunks of a wave of `size` rows, positions from 0."""
    for position, first in enumerate(range(0, size, per_chunk)):
        yield Chunk(position, first, min(first + per_chunk, size) - 1)
