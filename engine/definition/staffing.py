"""Whom the steps of a definition would ask today, office by office: what the organisation at hand says of its `who`s.

Counted for the offices that have a submitter; before there is any, for all. Refuses to guess the form: a row of a table
of people is looked at by itself, as if its condition held.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from msgspec.structs import replace

from engine.machine.asking import Ask, asked, found
from engine.machine.case import Case
from engine.machine.evolve import empty_case
from engine.organisation import Organisation
from engine.organisation.who import Holders, Submitter, Superior, parse

SHOWN = 5
SUBMITS = "submitter"


@dataclass(frozen=True, slots=True)
class Vacancy:
    """Whom a step does not find. `offices`: those whose cases come to it; `instead`: who is asked in their place,
    nobody where `waiting`."""

    offices: tuple[str, ...]
    instead: tuple[str, ...]
    waiting: tuple[str, ...]


@dataclass(frozen=True)
class Staff:
    """An organisation at a moment."""

    organisation: Organisation
    at: datetime

    @cached_property
    def roles(self) -> frozenset[str]:
        """Every role that somebody with an open account holds."""
        return frozenset(grant.role for grant in self.organisation.grants if self.organisation.is_active(grant.person))

    def unknown_role(self, who: str) -> str:
        """The role that `who` names and nobody holds; empty where there is none."""
        match parse(who):
            case Holders(role=role) if role not in self.roles:
                return role
            case _:
                return ""

    def vacancy(self, ask: Ask) -> Vacancy | None:
        """Where `ask` finds nobody at all, and who is asked there; None where it finds somebody everywhere."""
        offices: dict[str, None] = {}
        waiting: dict[str, None] = {}
        instead: dict[str, None] = {}
        for case in self._cases(ask):
            if found(self.organisation, ask, case):
                continue
            offices[case.office] = None
            people = asked(self.organisation, ask, case)
            if not people:
                waiting[case.office] = None
            instead |= dict.fromkeys(people)
        return Vacancy(tuple(offices), tuple(instead), tuple(waiting)) if offices else None

    def offices_named(self, codes: tuple[str, ...]) -> str:
        """The offices by code and name, the first few of them."""
        offices = self.organisation.offices
        named = [f"{code} {offices[code].zh}" for code in codes[:SHOWN]]
        return ", ".join(named) + _more(codes)

    def people_named(self, people: tuple[str, ...]) -> str:
        """The people by name and account, the first few of them."""
        return ", ".join(f"{self.organisation.name(one)} ({one})" for one in people[:SHOWN]) + _more(people)

    def _cases(self, ask: Ask) -> Iterator[Case]:
        """A case of each office, of each of its submitters where that matters."""
        personal = any(isinstance(parse(who), Superior | Submitter) for who in (ask.who, *ask.also))
        for office, submitter in self._submitters if personal else self._proposing:
            yield replace(self._case, office=office, submitter=submitter)

    @cached_property
    def _case(self) -> Case:
        return empty_case("", self.at)

    @cached_property
    def _submitters(self) -> tuple[tuple[str, str], ...]:
        grants = self.organisation.grants
        held = [grant for grant in grants if grant.role == SUBMITS and self.organisation.is_active(grant.person)]
        return tuple((grant.office, grant.person) for grant in held)

    @cached_property
    def _proposing(self) -> tuple[tuple[str, str], ...]:
        first = dict(reversed(self._submitters))
        return tuple(sorted(first.items())) or tuple((office.code, "") for office in self.organisation.offices)


def _more(named: tuple[str, ...]) -> str:
    return f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
