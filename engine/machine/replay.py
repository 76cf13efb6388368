"""A case from its history alone: what the database keeps as state is checked against this.

Refuses entries out of order: a history with a gap proves nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from engine.machine.case import Case
from engine.machine.evolve import empty_case, fold
from engine.machine.outcome import AnyEvent


class Recorded(Protocol):
    """A history entry; `engine.store.history.Entry` is one."""

    @property
    def case_id(self) -> str:
        """Whose history it is."""
        ...

    @property
    def seq(self) -> int:
        """Its place, from 1."""
        ...

    @property
    def at(self) -> datetime:
        """When it happened."""
        ...

    @property
    def events(self) -> Sequence[AnyEvent]:
        """What happened."""
        ...


def replay(entries: Iterable[Recorded]) -> Case:
    """The case after all of its entries, which come in order. ValueError when one is missing or there is none."""
    case: Case | None = None
    for entry in entries:
        if case is None:
            case = empty_case(entry.case_id, entry.at)
        if (entry.case_id, entry.seq) != (case.id, case.seq + 1):
            raise ValueError(f"entry {entry.seq} of {entry.case_id} cannot follow entry {case.seq} of {case.id}")
        case = fold(case, entry.events, entry.at)
    if case is None:
        raise ValueError("a case without history")
    return case
