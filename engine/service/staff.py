"""People and offices as administrators see them: lists, one person, one office. Looks only."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from engine.definition.model import Definition
from engine.errors import NotFound
from engine.machine.case import ProcessRef
from engine.machine.filing import Filing
from engine.machine.process import Process
from engine.machine.steps import Approval, Copy
from engine.organisation import Grant, Office, Organisation
from engine.organisation.who import Holders, parse
from engine.service import foreseeing, personnel, standins
from engine.service.app import Countersign
from engine.service.authorizing import Action
from engine.service.foreseeing import Foresight
from engine.service.recording import By
from engine.service.showing import task_row
from engine.service.standins import StandInView
from engine.service.views import TaskRow
from engine.store import credentials, definitions, roster, sessions, trail
from engine.store import inbox as inboxes
from engine.store.roster import Wanted
from engine.values import LEVELS, Bilingual, Level

MANAGES: Action = "organisation.manage"
SHOWN_TASKS = 50


@dataclass(frozen=True, slots=True)
class Held:
    """A role somebody holds at an office, with the weight of their vote."""

    role: str
    office: str
    office_name: Bilingual
    weight: int


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person in a list."""

    id: str
    name: str
    email: str
    is_open: bool
    grants: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """A page of the list: `count` are all that match, `next` the account after which the next page begins."""

    rows: tuple[PersonRow, ...]
    count: int
    next: str
    roles: tuple[str, ...]
    office: Office | None = None


@dataclass(frozen=True, slots=True)
class PersonView:
    """One person with all that hangs on them. `accounts`: other accounts of the same human being; `session_count`: how
    often they are signed in now."""

    id: str
    name: str
    email: str
    language: str
    is_open: bool
    same_as: str
    accounts: tuple[str, ...]
    grants: tuple[Held, ...]
    tasks: tuple[TaskRow, ...]
    task_count: int
    stand_ins: tuple[StandInView, ...]
    changes: tuple[trail.Entry, ...]
    has_factor: bool
    session_count: int


@dataclass(frozen=True, slots=True)
class OfficeRow:
    """An office in a list: how many offices report to it, how many people hold a role there."""

    code: str
    name: Bilingual
    level: Level
    below: int
    people: int


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a role at an office."""

    person: str
    name: str
    is_open: bool
    weight: int


@dataclass(frozen=True, slots=True)
class Vacant:
    """A role that nobody holds for cases of the office: how the definition asks for it, the definitions that do."""

    who: str
    definitions: tuple[Bilingual, ...]


@dataclass(frozen=True, slots=True)
class OfficeView:
    """One office: those above it from the top, those below, who holds what, what nobody holds."""

    office: Office
    line: tuple[Office, ...]
    below: tuple[OfficeRow, ...]
    roles: tuple[tuple[str, tuple[Holder, ...]], ...]
    vacant: tuple[Vacant, ...]
    changes: tuple[trail.Entry, ...]


def wanted(text: str = "", office: str = "", role: str = "", closed: bool = False) -> Wanted:
    """Which people: `text` in account, name or mail; with a role at `office` or below it; with `role`; closed ones."""
    return Wanted(text, office, role, closed)


def people(app: Countersign, by: By, wanted: Wanted, after: str = "", *, limit: int = roster.PAGE) -> PeoplePage:
    """The people that match, `limit` at a time."""
    by.authorize(MANAGES)
    with app.db.read() as tx:
        rows, count = roster.find(tx, wanted, after, limit + 1)
        shown = rows[:limit]
        held = roster.grants_of_all(tx, [row.id for row in shown])
        offices = roster.find_offices(tx, wanted.office, 1) if wanted.office else ()
        return PeoplePage(
            tuple(PersonRow(row.id, row.name, row.email, row.active, _held(held.get(row.id, ()))) for row in shown),
            count,
            shown[-1].id if len(rows) > len(shown) else "",
            roster.roles(tx),
            offices[0] if offices and offices[0].code == wanted.office else None,
        )


def person(app: Countersign, by: By, account: str) -> PersonView:
    """One person. NotFound where there is none of that account."""
    by.authorize(MANAGES)
    standing = [one for one in standins.listed(app, None) if account in (one.person, one.by) and one.state != "over"]
    with app.db.read() as tx:
        organisation = app.organisation(tx)
        row = roster.find_one(tx, account)
        if row is None:
            raise NotFound()
        lines = inboxes.waiting(tx, account)
        return PersonView(
            id=row.id,
            name=row.name,
            email=row.email,
            language=row.language,
            is_open=row.active,
            same_as=row.same_as,
            accounts=tuple(sorted(organisation.accounts(account) - {account})),
            grants=_held(roster.grants_of_all(tx, [account]).get(account, ())),
            tasks=tuple(task_row(app, tx, line, by.person) for line in lines[:SHOWN_TASKS]),
            task_count=len(lines),
            stand_ins=tuple(standing),
            changes=trail.about(tx, account),
            has_factor=credentials.find_factor(tx, account) is not None,
            session_count=len(sessions.of(tx, account, app.now())),
        )


def offices(app: Countersign, by: By, text: str = "") -> tuple[OfficeRow, ...]:
    """Those that match, or without a text those at the top; 50 at most of those that match."""
    by.authorize(MANAGES)
    with app.db.read() as tx:
        found = roster.find_offices(tx, text) if text else roster.below(tx, None)
        return _rows(tx, found)


def office(app: Countersign, by: By, code: str) -> OfficeView:
    """One office. NotFound where there is none of that code."""
    by.authorize(MANAGES)
    with app.db.read() as tx:
        organisation = app.organisation(tx)
        if code not in organisation.offices:
            raise NotFound()
        by_role: dict[str, tuple[Holder, ...]] = {}
        for row in roster.holders(tx, code):
            by_role[row.role] = (*by_role.get(row.role, ()), Holder(row.id, row.name, row.active, row.weight))
        kinds = [ProcessRef(one.name, one.version, one.fingerprint) for one in definitions.all_newest(tx)]
        processes = [(app.definition(ref), app.process(ref, tx)) for ref in kinds]
        return OfficeView(
            organisation.offices[code],
            tuple(reversed(organisation.offices.line(code)[1:])),
            _rows(tx, roster.below(tx, code)),
            tuple(sorted(by_role.items())),
            _vacant(organisation, code, processes),
            trail.about(tx, code),
        )


def matching_offices(app: Countersign, by: By, text: str) -> tuple[Office, ...]:
    """Offices for what somebody typed: the one of that code or name, else those whose names have it."""
    by.authorize(MANAGES)
    if not text.strip():
        return ()
    with app.db.read() as tx:
        found = roster.find_offices(tx, text.strip(), 60)
    exact = [one for one in found if text.strip() in (one.code, one.zh, one.en)]
    return (exact[0],) if len(exact) == 1 else found


def if_role_taken(app: Countersign, by: By, account: str, role: str, at: str) -> Foresight:
    """What taking the role away would do to what waits for the person."""
    by.authorize(MANAGES)
    with app.db.read() as tx:
        grants = personnel.without_role(_organisation_with(app, tx, account), account, role, at)
        return foreseeing.of_grants(app, tx, by, account, grants)


def if_role_given(app: Countersign, by: By, grant: Grant) -> Foresight:
    """The tasks that the role would bring."""
    by.authorize(MANAGES)
    with app.db.read() as tx:
        if grant.office not in _organisation_with(app, tx, grant.person).offices:
            raise NotFound()
        return foreseeing.of_giving(app, tx, by, grant)


def if_closed(app: Countersign, by: By, account: str) -> Foresight:
    """What closing the account would do to what waits for the person."""
    by.authorize(MANAGES)
    with app.db.read() as tx:
        _organisation_with(app, tx, account)
        return foreseeing.of_closing(app, tx, by, account)


def _organisation_with(app: Countersign, tx: Connection, account: str) -> Organisation:
    organisation = app.organisation(tx)
    if account not in organisation.people:
        raise NotFound()
    return organisation


def _held(rows: Iterable[Row[Any]]) -> tuple[Held, ...]:
    return tuple(Held(row.role, row.office, Bilingual(zh=row.zh, en=row.en), row.weight) for row in rows)


def _rows(tx: Connection, found: tuple[Office, ...]) -> tuple[OfficeRow, ...]:
    codes = [one.code for one in found]
    below, people_there = roster.counts_below(tx, codes), roster.people_at(tx, codes)
    return tuple(
        OfficeRow(one.code, one.label, one.level, below.get(one.code, 0), people_there.get(one.code, 0))
        for one in found
    )


def _vacant(organisation: Organisation, code: str, kinds: list[tuple[Definition, Process]]) -> tuple[Vacant, ...]:
    """What a case of this office would ask for and nobody holds."""
    missing: dict[str, dict[str, Bilingual]] = {}
    for definition, process in kinds:
        for who in _asked_for(process):
            if _could_be_held(who, organisation.offices[code]) and not organisation.resolve(who, code):
                missing.setdefault(who, {})[definition.name] = definition.title
    return tuple(Vacant(who, tuple(names.values())) for who, names in sorted(missing.items()))


def _could_be_held(who: str, office: Office) -> bool:
    """Whether it names a role at the office, above it, or anywhere; not one of a level below it."""
    asked = parse(who)
    if not isinstance(asked, Holders):
        return False
    return asked.level is None or LEVELS.index(asked.level) >= LEVELS.index(office.level)


def _asked_for(process: Process) -> frozenset[str]:
    """Every `who` of the chains."""
    asks = [kind.ask for kind in process.kinds.values() if isinstance(kind, Approval | Filing | Copy)]
    return frozenset(who for ask in asks for who in (ask.who, *ask.also, *(row.who for row in ask.table)))
