"""Whom a step asks: the people `who` finds, without the submitter, and somebody else where nobody is left.

Refuses to let a step pass because nobody holds a role, and to ask anybody to decide on a case of their own.
"""

from typing import Literal, Protocol

from msgspec import Struct

from engine.machine.case import Case

OwnPolicy = Literal["next_level_up", "skip"]
HIGHEST = 8


class Directory(Protocol):
    """What a case needs to know of people; `engine.organisation.Organisation` is one."""

    def resolve(self, who: str, office: str, submitter: str = "") -> tuple[str, ...]:
        """The people `who` means for a case of `office`, each once, in a fixed order; empty where there is none."""
        ...

    def superior(self, person: str, office: str) -> str | None:
        """The head above `person` in the line of `office`; None at the top."""
        ...

    def weight(self, person: str, who: str, office: str) -> int:
        """The weight of `person`'s vote where `who` asked them."""
        ...


class Ask(Struct, frozen=True):
    """Whom to ask. `own`: what happens where the submitter is found; `otherwise`: who is asked where nobody is."""

    who: str
    own: OwnPolicy = "next_level_up"
    otherwise: str = "role:process_admin"


def asked(directory: Directory, ask: Ask, case: Case, *, one_is_enough: bool = False) -> tuple[str, ...]:
    """The people to ask, each once. Empty only where the fallback too finds nobody who may decide.

    `one_is_enough`: the submitter's colleagues decide, so no superior is brought in for the submitter.
    """
    own = _own(case)
    found = tuple(dict.fromkeys(directory.resolve(ask.who, case.office, case.submitter)))
    people = tuple(person for person in found if person not in own)
    if len(people) < len(found) and ask.own == "next_level_up" and not (people and one_is_enough):
        superior = above(directory, case.submitter, case)
        if superior is not None and superior not in people:
            people = (*people, superior)
    return people or fallback(directory, ask, case)


def above(directory: Directory, person: str, case: Case) -> str | None:
    """The nearest superior of `person` who may decide on the case; None where there is none."""
    own, standing = _own(case), person
    for _ in range(HIGHEST):
        superior = directory.superior(standing, case.office)
        if superior is None or superior not in own:
            return superior
        standing = superior
    return None


def fallback(directory: Directory, ask: Ask, case: Case) -> tuple[str, ...]:
    """Who is asked where nobody else can be."""
    own = _own(case)
    found = dict.fromkeys(directory.resolve(ask.otherwise, case.office, case.submitter))
    return tuple(person for person in found if person not in own)


def _own(case: Case) -> tuple[str, ...]:
    return (case.submitter, case.editor) if case.editor else (case.submitter,)
