"""The organisation as one value: who is asked, who is above whom.

Built by the store from plain rows whenever a row changed, then shared between threads. Refuses grants of unknown
people or offices.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Any

from engine.errors import InvalidFile, Problem
from engine.organisation.offices import Office, Offices
from engine.organisation.people import Grant, Person
from engine.organisation.standins import StandIn
from engine.organisation.who import HEAD, FromField, Holders, Submitter, Superior, parse


class Organisation:
    """Offices, people, grants and stand-ins; never changes. Implements `engine.machine.process.Directory`."""

    def __init__(
        self,
        offices: Iterable[Office],
        people: Iterable[Person],
        grants: Iterable[Grant],
        stand_ins: Iterable[StandIn] = (),
    ) -> None:
        self.offices = Offices(offices)
        self.people = {person.id: person for person in people}
        self.grants = tuple(sorted(grants, key=lambda grant: (grant.office, grant.role, -grant.weight, grant.person)))
        if problems := [problem for grant in self.grants if (problem := self._wrong(grant))]:
            raise InvalidFile(problems)
        valid = [grant for grant in self.grants if self.people[grant.person].active]
        self._holders: dict[tuple[str, str], tuple[Grant, ...]] = {
            key: tuple(held) for key, held in groupby(valid, key=lambda grant: (grant.office, grant.role))
        }
        self._offices_of: dict[str, frozenset[str]] = {}
        for grant in valid:
            self._offices_of[grant.person] = self._offices_of.get(grant.person, frozenset()) | {grant.office}
        self._accounts = _accounts(self.people)
        self._represented: dict[str, tuple[StandIn, ...]] = {}
        for one in sorted(stand_ins, key=lambda one: (one.starts, one.by)):
            self._represented[one.person] = (*self._represented.get(one.person, ()), one)
        self._resolved: dict[tuple[str, str], tuple[Grant, ...]] = {}

    def resolve(self, who: str, office: str, submitter: str = "") -> tuple[str, ...]:
        """The people `who` means for a case of `office`, each once, highest weight first, then by name of account.

        Empty where nobody holds the role. `superior` and `submitter` need the submitter.
        """
        match parse(who):
            case Holders() as holders:
                return tuple([grant.person for grant in self._found(who, holders, office)])
            case Superior(levels=levels):
                above: str | None = submitter or None
                for _ in range(levels):
                    above = self.superior(above, office) if above else None
                return (above,) if above else ()
            case Submitter():
                return (submitter,) if submitter else ()
            case FromField():
                return ()  # the machine knows the form

    def held(self, person: str) -> tuple[Grant, ...]:
        """What a person holds."""
        return self._held.get(person, ())

    @cached_property
    def _held(self) -> dict[str, tuple[Grant, ...]]:
        found: dict[str, list[Grant]] = {}
        for grant in self.grants:
            found.setdefault(grant.person, []).append(grant)
        return {person: tuple(held) for person, held in found.items()}

    def is_active(self, person: str) -> bool:
        """Whether the account is there and open."""
        found = self.people.get(person)
        return found is not None and found.active

    def accounts(self, person: str) -> frozenset[str]:
        """All accounts of the same human being, this one with them."""
        return self._accounts.get(person) or frozenset({person})

    def stand_ins(self, person: str, *, at: datetime, definition: str, form: Mapping[str, Any]) -> tuple[str, ...]:
        """Who decides for `person` at that time on such a case, each once."""
        if person not in self._represented:
            return ()
        found = (one.by for one in self._represented.get(person, ()) if one.covers(definition, form, at))
        return tuple(dict.fromkeys(by for by in found if self.is_active(by)))

    def weight(self, person: str, who: str, office: str) -> int:
        """The weight of `person`'s vote where `who` asked them; 1 where `who` is no role."""
        match parse(who):
            case Holders() as holders:
                found = self._found(who, holders, office)
                return next((grant.weight for grant in found if grant.person == person), 1)
            case _:
                return 1

    def superior(self, person: str, office: str) -> str | None:
        """The first head above `person` in the line of `office`; None at the top.

        A person stands where their highest grant in that line is; who heads that office has the next one as superior.
        """
        line = self.offices.line(office)
        own = self._offices_of.get(person, frozenset())
        standing = max((place for place, above in enumerate(line) if above.code in own), default=0)
        for above in line[standing:]:
            heads = [grant.person for grant in self._headed(above.code)]
            if person not in heads and heads:
                return heads[0]
        return None

    def heads_above(self, office: str) -> tuple[str, ...]:
        """The heads of the offices above `office`, the nearest first, each once."""
        heads = (grant.person for above in self.offices.line(office)[1:] for grant in self._headed(above.code))
        return tuple(dict.fromkeys(heads))

    def office_of(self, who: str, office: str, person: str) -> str:
        """The code of the office that `who` asks for a case of `office`.

        Without a level that is where `person`, whom it found, holds the role; else where they stand in the line of
        `office`, and `office` itself where they stand nowhere in it.
        """
        match parse(who):
            case Holders(level=level) as holders:
                place = self.offices.at_level(office, level) if level is not None else None
                if place is not None:
                    return place.code
                held = (grant.office for grant in self._found(who, holders, office) if grant.person == person)
                return next(held, self._standing(person, office))
            case _:
                return self._standing(person, office)

    def name(self, person: str) -> str:
        """The person's name; the account where it is unknown."""
        found = self.people.get(person)
        return found.name if found else person

    def line(self, office: str) -> tuple[str, ...]:
        """The codes of the office and those above it: its chain of command."""
        return tuple(above.code for above in self.offices.line(office))

    def stands_at(self, person: str, office: str) -> str:
        """The highest office in the line of `office` where they hold a role; empty where they hold none in it."""
        own = self._offices_of.get(person, frozenset())
        return next((code for code in reversed(self.line(office)) if code in own), "")

    def _headed(self, office: str) -> tuple[Grant, ...]:
        return self._holders.get((office, HEAD), ())

    def _standing(self, person: str, office: str) -> str:
        return self.stands_at(person, office) or office

    def _found(self, who: str, holders: Holders, office: str) -> tuple[Grant, ...]:
        found = self._resolved.get((who, office))
        if found is None:
            found = self._resolved[who, office] = self._search(holders, office)
        return found

    def _search(self, holders: Holders, office: str) -> tuple[Grant, ...]:
        if holders.level is not None:
            place = self.offices.at_level(office, holders.level)
            return self._holders.get((place.code, holders.role), ()) if place else ()
        for above in self.offices.line(office):
            if near := self._holders.get((above.code, holders.role)):
                return near
        return next((held for (_, role), held in self._holders.items() if role == holders.role), ())

    def _wrong(self, grant: Grant) -> Problem | None:
        if grant.person not in self.people:
            return Problem("grant-person", f"{grant.role}@{grant.office} is granted to {grant.person}, who is unknown")
        if grant.office not in self.offices:
            return Problem("grant-office", f"{grant.person} has {grant.role} at {grant.office}, which is no office")
        return None


def _accounts(people: Mapping[str, Person]) -> dict[str, frozenset[str]]:
    """The accounts of those who have several."""
    found: dict[str, frozenset[str]] = {}
    for person in people.values():
        if person.same_as:
            together = found.get(person.id, frozenset({person.id})) | found.get(
                person.same_as, frozenset({person.same_as})
            )
            found |= dict.fromkeys(together, together)
    return found
