"""Invented people for trial runs: a definition can be tried before anybody is employed.

Every `who` finds people that are named after it: `role:finance@city` finds `finance@city`, a committee of three
`committee@province.1` to `.3`. Refuses to stand for a real organisation: whoever shows these names says so.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from engine.organisation.who import HEAD, FromField, Holders, Submitter, Superior, parse
from engine.values import LEVELS, Level

SUBMITTER = "submitter"
COMMITTEE = 3


class Cast:
    """Who plays whom. Implements `engine.machine.process.Directory`.

    `sizes`: how many people a `who` finds (default: one, members of a group three). `nobody`: a `who` that finds none.
    `same`: a `who` that finds one person who is also found elsewhere, by name.
    `level`: the level of the office that proposes; above it stand the heads of the levels above.
    """

    def __init__(
        self,
        *,
        sizes: Mapping[str, int] | None = None,
        nobody: Collection[str] = (),
        weights: Mapping[str, int] | None = None,
        same: Mapping[str, str] | None = None,
        level: Level = "county",
    ) -> None:
        self._sizes = dict(sizes or {})
        self._nobody = frozenset(nobody)
        self._weights = dict(weights or {})
        self._same = dict(same or {})
        self._level = level

    def resolve(self, who: str, office: str, submitter: str = "") -> tuple[str, ...]:
        """See Directory."""
        if who in self._same:
            return (self._same[who],)
        match parse(who):
            case Holders(role=role, level=level):
                return self._holders(who, f"{role}@{level}" if level else role)
            case Superior(levels=levels):
                above: str | None = submitter
                for _ in range(levels):
                    above = self.superior(above, office) if above else None
                return (above,) if above else ()
            case Submitter():
                return (submitter,) if submitter else ()
            case FromField():
                return ()

    def superior(self, person: str, office: str) -> str | None:
        """The head of the person's level; above a head, the head of the next level."""
        role, _, rest = person.partition("@")
        level = rest.partition(".")[0] or self._level
        place = LEVELS.index(level) if level in LEVELS else 0
        place += role == HEAD
        return f"{HEAD}@{LEVELS[place]}" if place < len(LEVELS) else None

    def heads_above(self, office: str) -> tuple[str, ...]:
        """See Directory. An office is called by its level."""
        return tuple(f"{HEAD}@{level}" for level in LEVELS[LEVELS.index(self._level) + 1 :])

    def office_of(self, who: str, office: str, person: str) -> str:
        """See Directory. Who is named after no level is of the office that proposes."""
        level = person.partition("@")[2].partition(".")[0]
        asked = parse(who)
        return (asked.level if isinstance(asked, Holders) else None) or (level if level in LEVELS else office)

    def weight(self, person: str, who: str, office: str) -> int:
        """See Directory."""
        return self._weights.get(person, 1)

    def is_active(self, person: str) -> bool:
        """See Directory. Whoever a form names is there."""
        return bool(person)

    def accounts(self, person: str) -> frozenset[str]:
        """See Directory. Everybody has one."""
        return frozenset({person})

    def stand_ins(self, person: str, *, at: datetime, definition: str, form: Mapping[str, Any]) -> tuple[str, ...]:
        """See Directory. Nobody is away."""
        return ()

    def _holders(self, who: str, name: str) -> tuple[str, ...]:
        if who in self._nobody:
            return ()
        size = self._sizes.get(who, COMMITTEE if who.startswith("members(") else 1)
        return (name,) if size == 1 else tuple(f"{name}.{number}" for number in range(1, size + 1))
