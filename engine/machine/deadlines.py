"""When a step reminds, escalates, or takes silence as an answer.

A step has one timer at a time: the next rung of its ladder. Every rung is counted from when the people now asked were
asked, so a late tick neither loses a reminder nor sends it twice. Refuses to compute working days: the calendar does.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from itertools import dropwhile
from typing import Any, Literal, Protocol

from msgspec import Struct

from engine.values import Duration


class Calendar(Protocol):
    """What a case needs to know of time; `engine.organisation.Workdays` is one."""

    def due(self, start: datetime, duration: Duration) -> datetime:
        """When `duration` after `start` is over, in the zone of `start`."""
        ...

    def unpublished(self, start: datetime, end: datetime) -> tuple[int, ...]:
        """The years from `start` to `end` whose working days are a guess so far."""
        ...


class Within(Protocol):
    """The limit up to which an approval may pass by itself."""

    def is_within(self, form: dict[str, Any]) -> bool:
        """Whether the form is within it; False where that cannot be worked out."""
        ...


Lapse = Literal["escalate", "return", "reject", "approve"]


class Rung(Struct, frozen=True):
    """One thing a timeout does."""

    name: str
    after: Duration


class Timeout(Struct, frozen=True, dict=True):
    """Reminders after each of `remind`; after `at` what `do` says happens.

    `escalate`: the task goes to `to`, at most `limit` times. `approve`: the step passes where `passes` holds, else it
    escalates.
    """

    remind: tuple[Duration, ...] = ()
    at: Duration | None = None
    to: str = "superior"
    limit: int = 1
    do: Lapse = "escalate"
    passes: Within | None = None

    @cached_property
    def reminders(self) -> tuple[Rung, ...]:
        """Its rungs that only remind."""
        return tuple(Rung(f"remind:{n}", after) for n, after in enumerate(self.remind, start=1))

    @cached_property
    def rungs(self) -> tuple[Rung, ...]:
        """All rungs, what it does last."""
        return self.reminders if self.at is None else (*self.reminders, Rung(self.do, self.at))


NEVER = Timeout()


def ladder(timeout: Timeout, escalated: int) -> tuple[Rung, ...]:
    """The rungs in the order of the definition, for people who are asked after `escalated` escalations."""
    return timeout.rungs if escalated < timeout.limit else timeout.reminders


def following(timeout: Timeout, escalated: int, after: str = "") -> Rung | None:
    """The rung that comes after the one named `after` (empty: the first); None at the end."""
    rungs = ladder(timeout, escalated)
    if not after:
        return rungs[0] if rungs else None
    later = dropwhile(lambda rung: rung.name != after, rungs)
    next(later, None)
    return next(later, None)


def allowed(timeout: Timeout) -> tuple[Duration, ...]:
    """How long those asked have: until the escalation, or else the last reminder; empty where nothing is set."""
    return (timeout.at,) if timeout.at is not None else timeout.remind[-1:]


def due_at(calendar: Calendar, spans: Iterable[Duration], asked_at: datetime) -> datetime | None:
    """By when those asked should have acted: the earliest end of `spans`; None without any."""
    return min((calendar.due(asked_at, span) for span in spans), default=None)


def guessed(calendar: Calendar, spans: Iterable[Duration], start: datetime, end: datetime) -> tuple[int, ...]:
    """The years that a deadline at `end` may still move in: none where it runs on the clock."""
    return calendar.unpublished(start, end) if any(span.is_working for span in spans) else ()
