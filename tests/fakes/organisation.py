"""A directory and a calendar as the machine asks for them, said in a line each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine.values import Duration


@dataclass
class FakeDirectory:
    """`holders` maps a `who` to people, `superiors` a person to the one above; the weights of votes by person.

    `twins` names the second account of a person, `represented` who stands in for them, `closed` those who left,
    `heads` those of the offices above. An office is called by the level that a `who` names.
    """

    holders: dict[str, tuple[str, ...]]
    superiors: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, int] = field(default_factory=dict)
    twins: Mapping[str, str] = field(default_factory=dict)
    represented: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    heads: tuple[str, ...] = ()

    def resolve(self, who: str, office: str, submitter: str = "") -> tuple[str, ...]:
        return self.holders.get(who, ())

    def superior(self, person: str, office: str) -> str | None:
        return self.superiors.get(person)

    def heads_above(self, office: str) -> tuple[str, ...]:
        return self.heads

    def office_of(self, who: str, office: str, person: str) -> str:
        return who.partition("@")[2].rstrip(")") or office

    def weight(self, person: str, who: str, office: str) -> int:
        return self.weights.get(person, 1)

    def is_active(self, person: str) -> bool:
        return person not in self.closed

    def accounts(self, person: str) -> frozenset[str]:
        pairs = [{one, other} for one, other in self.twins.items()]
        return frozenset({person}).union(*[pair for pair in pairs if person in pair])

    def stand_ins(self, person: str, *, at: datetime, definition: str, form: Mapping[str, Any]) -> tuple[str, ...]:
        return self.represented.get(person, ())


class EverydayCalendar:
    """Every day is a working day, and everybody knows."""

    def due(self, start: datetime, duration: Duration) -> datetime:
        match duration.unit:
            case "wd":
                return start + timedelta(days=duration.amount)
            case "wh":
                return start + timedelta(hours=duration.amount)
            case _:
                return start + duration.on_the_clock()

    def unpublished(self, start: datetime, end: datetime) -> tuple[int, ...]:
        return ()
