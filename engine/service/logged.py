"""A case and its events as event logs tell them: codes, people as they may be named, times; no text of anybody's."""

from dataclasses import dataclass
from datetime import UTC, datetime

BETWEEN = ">"
"""Between the states of one event that moved its case more than once."""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One entry of a history. `states`: where the case stood after each move, its atomic states joined by `+`; `office`
    is where the person stands on the case's way up today."""

    seq: int
    at: datetime
    activity: str
    kind: str
    person: str
    on_behalf_of: str
    office: str
    role: str
    step: str
    task: str
    via: str
    states: tuple[str, ...]

    @property
    def stamp(self) -> str:
        """Its time as logs write it: to the millisecond, in UTC."""
        return self.at.astimezone(UTC).isoformat(timespec="milliseconds")

    @property
    def moves(self) -> str:
        """Its states as one text."""
        return BETWEEN.join(self.states)


@dataclass(frozen=True, slots=True)
class LoggedCase:
    """A case with all its events, oldest first. `parent` is the case that opened it."""

    id: str
    number: str
    definition: str
    version: int
    office: str
    submitter: str
    state: str
    parent: str
    events: tuple[LoggedEvent, ...]

    def instance(self, event: LoggedEvent) -> str:
        """The name of one of its events, which no other event has."""
        return f"{self.id}-{event.seq}"
