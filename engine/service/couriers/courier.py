"""What every channel's way out can do. A new channel is a class of this shape in a module of its own, named once in
`couriers/opening.py`; its promise stands in engine/delivery/channels.py.

Refuses to touch the database: what a courier reports is recorded by its caller.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from engine.service.couriers.handed import Handed
from engine.warehouse.wavefiles import Letter


@dataclass(frozen=True, slots=True)
class Batch:
    """A claimed chunk's letters, their addresses open. `parts` is the folder of a hand-off's parts, below the data
    folder; `before` are letters of the same chunk that went out on an earlier day; `attempt` counts its claims from 1.
    `goes_on` says whether the wave may still send, asked between requests: a chunk through a slow gateway takes longer
    than a person who pauses waits."""

    wave: str
    position: int
    letters: Sequence[Letter]
    before: Sequence[Letter] = ()
    parts: str = ""
    attempt: int = 1
    goes_on: Callable[[], bool] = lambda: True


class Courier(Protocol):
    """A channel's way out, used inside one event loop as a context manager; `hand` may be called several times at once.

    `is_down`: it takes nothing at the moment, so nothing more is claimed for it in this call of `work`.
    """

    is_down: bool

    async def hand(self, batch: Batch) -> Handed:
        """Hand the letters over; raises nothing for a channel that is down or answers nonsense: `Handed` says so."""
        ...

    async def find(self, batch: Batch) -> Handed:
        """What an earlier attempt of these letters came to, asked by their ids (query_then_send): `taken` and
        `rejected` are known there, `refused` surely never arrived, `unanswered` where nobody says."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
