"""Stand-ins (代理): one person decides for another, from a day to a day, for some definitions, up to an amount.

A stand-in is not passed on: who stands in for somebody who stands in for a third person decides nothing for the third.
Refuses two people who would stand in for each other at the same time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.errors import Problem


@dataclass(frozen=True, slots=True)
class StandIn:
    """`by` decides for `person` from `starts` until, not at, `ends`.

    `definitions`: the case types it is for, empty for all. `field` and `limit`: only while that amount of the form is
    at most the limit; a form that says nothing there is not covered.
    """

    person: str
    by: str
    starts: datetime
    ends: datetime
    definitions: tuple[str, ...] = ()
    field: str = ""
    limit: Decimal | None = None
    id: int = 0

    def covers(self, definition: str, form: Mapping[str, Any], at: datetime) -> bool:
        """Whether it is in force at `at` for a case of `definition` with this form (JSON values)."""
        in_time = self.starts <= at < self.ends
        in_scope = not self.definitions or definition in self.definitions
        return in_time and in_scope and (self.limit is None or _at_most(form.get(self.field), self.limit))

    def overlaps(self, other: "StandIn") -> bool:
        """Whether there is a moment at which both are in force."""
        return self.starts < other.ends and other.starts < self.ends


def refused(new: StandIn, known: Iterable[StandIn]) -> Problem | None:
    """Why `new` cannot stand beside those that are `known`; None where it can."""
    if new.person == new.by:
        return Problem("stand-in-self", "nobody stands in for themselves", "name another person", at="by")
    if new.ends <= new.starts:
        return Problem("stand-in-dates", "it ends before it begins", at="ends")
    if (new.limit is None) != (not new.field):
        return Problem("stand-in-limit", "a limit needs the field it is a limit of", "write budget<=50000", at="limit")
    at_the_time = [other for other in known if other.overlaps(new)]
    if _leads_back(new, at_the_time):
        text = f"{new.by} is represented by {new.person} at that time, themselves or through others"
        return Problem("stand-in-loop", text, "choose somebody who is there", at="by")
    return None


def _leads_back(new: StandIn, known: list[StandIn]) -> bool:
    reached, before = {new.by}, set[str]()
    while reached != before:
        before = set(reached)
        reached |= {one.by for one in known if one.person in reached}
    return new.person in reached


def _at_most(value: Any, limit: Decimal) -> bool:
    try:
        return value not in (None, "") and Decimal(str(value)) <= limit
    except InvalidOperation:
        return False
