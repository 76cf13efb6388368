"""The organisation as one value: who is asked, who is above whom.

Built by the store from plain rows whenever a row changed, then shared between threads. Refuses grants of unknown
people or offices.
"""

from collections.abc import Iterable
from itertools import groupby

from engine.errors import InvalidFile, Problem
from engine.organisation.offices import Office, Offices
from engine.organisation.people import Grant, Person
from engine.organisation.who import HEAD, Holders, Submitter, Superior, parse


class Organisation:
    """Offices, people and grants; never changes. Implements `engine.machine.process.Directory`."""

    def __init__(self, offices: Iterable[Office], people: Iterable[Person], grants: Iterable[Grant]) -> None:
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
        self._resolved: dict[tuple[str, str], tuple[Grant, ...]] = {}

    def resolve(self, who: str, office: str, submitter: str = "") -> tuple[str, ...]:
        """The people `who` means for a case of `office`, each once, highest weight first, then by name of account.

        Empty where nobody holds the role. `superior` and `submitter` need the submitter.
        """
        match parse(who):
            case Holders() as holders:
                return tuple(grant.person for grant in self._found(who, holders, office))
            case Superior():
                above = self.superior(submitter, office) if submitter else None
                return (above,) if above else ()
            case Submitter():
                return (submitter,) if submitter else ()

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
            heads = [grant.person for grant in self._holders.get((above.code, HEAD), ())]
            if person not in heads and heads:
                return heads[0]
        return None

    def name(self, person: str) -> str:
        """The person's name; the account where it is unknown."""
        found = self.people.get(person)
        return found.name if found else person

    def line(self, office: str) -> tuple[str, ...]:
        """The codes of the office and those above it: its chain of command."""
        return tuple(above.code for above in self.offices.line(office))

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
