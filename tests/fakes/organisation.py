"""A directory and a calendar as the machine asks for them, said in a line each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.values import Duration


@dataclass
class FakeDirectory:
    """`holders` maps a `who` to people, `superiors` a person to the one above; the weights of votes by person."""

    holders: dict[str, tuple[str, ...]]
    superiors: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, int] = field(default_factory=dict)

    def resolve(self, who: str, office: str, submitter: str = "") -> tuple[str, ...]:
        return self.holders.get(who, ())

    def superior(self, person: str, office: str) -> str | None:
        return self.superiors.get(person)

    def weight(self, person: str, who: str, office: str) -> int:
        return self.weights.get(person, 1)


class EverydayCalendar:
    """Every day is a working day."""

    def due(self, start: datetime, duration: Duration) -> datetime:
        return start + (timedelta(days=duration.amount) if duration.is_working else duration.on_the_clock())
