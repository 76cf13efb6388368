"""Whom a step asks: the people its strategies find, without the submitter, and somebody else where nobody is left.

Refuses to let a step pass because nobody holds a role, and to ask anybody to decide on a case of their own: the
submitter, who edited last, their other accounts, and who stands in for them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Protocol

from msgspec import Struct

from engine.machine.case import Case

OwnPolicy = Literal["next_level_up", "skip", "assign"]
HIGHEST = 8


class Directory(Protocol):
    """What a case needs to know of people; `engine.organisation.Organisation` is one."""

    def resolve(self, who: str, office: str, submitter: str = "") -> tuple[str, ...]:
        """The people `who` means for a case of `office`, each once, in a fixed order; empty where there is none.

        `field(NAME)` finds nobody here: only the case knows its form.
        """
        ...

    def superior(self, person: str, office: str) -> str | None:
        """The head above `person` in the line of `office`; None at the top."""
        ...

    def heads_above(self, office: str) -> tuple[str, ...]:
        """The heads of the offices above `office`, the nearest first."""
        ...

    def office_of(self, who: str, office: str, person: str) -> str:
        """The office that `who` asks for a case of `office`, where it found `person`."""
        ...

    def weight(self, person: str, who: str, office: str) -> int:
        """The weight of `person`'s vote where `who` asked them."""
        ...

    def is_active(self, person: str) -> bool:
        """Whether the account is there and open."""
        ...

    def accounts(self, person: str) -> frozenset[str]:
        """All accounts of the same human being, this one with them."""
        ...

    def stand_ins(self, person: str, *, at: datetime, definition: str, form: Mapping[str, Any]) -> tuple[str, ...]:
        """Who decides for `person` at that time on a case of `definition` with this form."""
        ...


class FormRule(Protocol):
    """A condition on the form."""

    def holds(self, form: dict[str, Any]) -> bool:
        """Whether it holds, or cannot be worked out: in doubt its people are asked."""
        ...


class Choice(Struct, frozen=True):
    """A row of the table of a `who`: where `when` holds, `who` is asked."""

    who: str
    when: FormRule


class Ask(Struct, frozen=True):
    """Whom to ask: the first row of `table` that holds, else `who` and all of `also`.

    `own`: what happens where the submitter is found, or the approver who changed the form (`instead` is who decides
    then, for assign); `otherwise`: who is asked where nobody is, told by a notice where `notify`. `fields` says of each
    person field who may stand in it.
    """

    who: str
    own: OwnPolicy = "next_level_up"
    otherwise: str = "role:process_admin"
    also: tuple[str, ...] = ()
    table: tuple[Choice, ...] = ()
    instead: str = ""
    notify: bool = True
    fields: tuple[tuple[str, str], ...] = ()


def strategies(ask: Ask, case: Case) -> tuple[str, ...]:
    """Each `who` that holds for this case."""
    for row in ask.table:
        if row.when.holds(case.judged):
            return (row.who,)
    return (ask.who, *ask.also)


def found(directory: Directory, ask: Ask, case: Case) -> tuple[str, ...]:
    """Those whom the strategies find, each once, the submitter too."""
    people = [person for who in strategies(ask, case) for person in _resolved(directory, who, ask, case)]
    return tuple(dict.fromkeys(people))


def asked(
    directory: Directory,
    ask: Ask,
    case: Case,
    *,
    one_is_enough: bool = False,
    settled: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    """The people to ask, each once. Empty only where the fallback too finds nobody who may decide.

    `one_is_enough`: the submitter's colleagues decide, so nobody is brought in for the submitter; nor is anybody for
    those who are `settled`, whose decision stands.
    """
    people = _first_choice(directory, ask, case, one_is_enough=one_is_enough, settled=settled)
    return _once(directory, people or fallback(directory, ask, case))


def is_unheld(directory: Directory, ask: Ask, case: Case) -> bool:
    """Whether nobody is found but by the policy for an empty role."""
    return not _first_choice(directory, ask, case, one_is_enough=False)


def found_by(directory: Directory, ask: Ask, case: Case, person: str) -> str:
    """The first `who` of the step that finds `person`, the fallback last; empty where they came in any other way."""
    known = (*strategies(ask, case), ask.otherwise)
    return next((who for who in known if person in _resolved(directory, who, ask, case)), "")


def quiet(directory: Directory, ask: Ask, case: Case) -> bool:
    """Whether those asked are the fallback and get no notice, only a task."""
    return not ask.notify and is_unheld(directory, ask, case)


def weight_of(directory: Directory, person: str, ask: Ask, case: Case) -> int:
    """The weight of `person`'s vote, by the first strategy that finds them; 1 for who comes by another way."""
    for who in strategies(ask, case):
        if person in _resolved(directory, who, ask, case):
            return directory.weight(person, who, case.office)
    return 1


def office_asked(directory: Directory, person: str, ask: Ask, case: Case) -> str:
    """The office that `person` decides for: that of the first strategy which finds them, or else of the first."""
    whos = strategies(ask, case)
    found_by = (who for who in whos if person in _resolved(directory, who, ask, case))
    return directory.office_of(next(found_by, whos[0]), case.office, person)


def above(directory: Directory, person: str, case: Case) -> str | None:
    """The nearest superior of `person` who may decide on the case; None where there is none."""
    own, standing = involved(directory, case), person
    for _ in range(HIGHEST):
        superior = directory.superior(standing, case.office)
        if superior is None or superior not in own:
            return superior
        standing = superior
    return None


def fallback(directory: Directory, ask: Ask, case: Case) -> tuple[str, ...]:
    """Who is asked where nobody else can be."""
    return _without(directory, case, _resolved(directory, ask.otherwise, ask, case))


def involved(directory: Directory, case: Case) -> frozenset[str]:
    """Who may not decide on the case: its submitter and last editor, their other accounts, and their stand-ins now."""
    own = _around(directory, case.submitter, case)
    if case.editor in ("", case.submitter):
        return own
    return own | _around(directory, case.editor, case)


def stand_ins(directory: Directory, person: str, case: Case) -> tuple[str, ...]:
    """Who decides for `person` on this case at the time of its latest entry."""
    return directory.stand_ins(person, at=case.updated_at, definition=case.process.name, form=case.judged)


def _around(directory: Directory, person: str, case: Case) -> frozenset[str]:
    """A person's accounts, and who stands in for them now."""
    accounts = directory.accounts(person)
    return accounts.union(*[stand_ins(directory, one, case) for one in accounts])


def _first_choice(
    directory: Directory, ask: Ask, case: Case, *, one_is_enough: bool, settled: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    everybody = found(directory, ask, case)
    people = _without(directory, case, everybody)
    if len(people) == len(everybody) or not set(everybody) - settled.union(people) or (people and one_is_enough):
        return people
    match ask.own:
        case "next_level_up":
            is_theirs = not _around(directory, case.submitter, case).isdisjoint(everybody)
            superior = above(directory, case.submitter if is_theirs else case.editor, case)
            return tuple(dict.fromkeys((*people, superior))) if superior is not None else people
        case "assign":
            others = _without(directory, case, _resolved(directory, ask.instead, ask, case))
            return tuple(dict.fromkeys((*people, *others)))
        case "skip":
            return people


def _once(directory: Directory, people: tuple[str, ...]) -> tuple[str, ...]:
    """Everybody by the first of their accounts: a human being is asked once."""
    if len(people) < 2:
        return people
    taken: set[str] = set()
    for person in people:
        if person not in taken:
            taken |= directory.accounts(person) - {person}
    return tuple(person for person in people if person not in taken)


def _without(directory: Directory, case: Case, people: tuple[str, ...]) -> tuple[str, ...]:
    own = involved(directory, case)
    return tuple([person for person in dict.fromkeys(people) if person not in own])


def _resolved(directory: Directory, who: str, ask: Ask, case: Case) -> tuple[str, ...]:
    if not who.startswith("field("):
        return directory.resolve(who, case.office, case.submitter)
    name = who[len("field(") : -1]
    person = case.form.get(name)
    if not isinstance(person, str) or not directory.is_active(person):
        return ()
    among = dict(ask.fields).get(name, "")
    is_candidate = not among or person in directory.resolve(among, case.office, case.submitter)
    return (person,) if is_candidate else ()
