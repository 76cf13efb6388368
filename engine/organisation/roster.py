"""What a table of offices or people would change: added, changed, unchanged, and every row that is wrong.

Pure: the rows come as text, the organisation as it is, the plan goes out. Nothing is half accepted: a plan with a
problem is carried out by nobody. Refuses to remove an office or a person: who is not in the file stays.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, TypeVar, cast

from engine.errors import Problem
from engine.organisation.offices import Office
from engine.organisation.people import Grant, Person
from engine.values import LEVELS, Language, Level

OFFICE_COLUMNS = ("code", "name", "name_en", "level", "parent")
PEOPLE_COLUMNS = ("id", "name", "email", "language", "same_as", "roles")
NATIONAL = {  # the national table of divisions, as it is published: one file per level
    ("code", "name"): "province",
    ("code", "name", "provinceCode"): "city",
    ("code", "name", "cityCode", "provinceCode"): "county",
}
MUNICIPALITIES = ("11", "12", "31", "50")
DIRECT = "90"  # GB/T 2260: counties and cities that the province administers itself
CODE = re.compile(r"[0-9A-Za-z-]{1,12}")
ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
ROLE = re.compile(r"(?P<role>[a-z][a-z0-9_]{0,39})@(?P<office>[0-9A-Za-z-]{1,12})(\*(?P<weight>[1-9][0-9]{0,3}))?")
MAIL = re.compile(r"[^@\s]+@[^@\s]+")
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Row:
    """A row by heading, and the line it stands on."""

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, heading: str) -> str:
        return self.cells.get(heading, "")


@dataclass(frozen=True, slots=True)
class Member:
    """A person as a file says it: the account, and the roles they hold; None where the file is silent on roles."""

    person: Person
    email: str
    language: Language
    grants: frozenset[Grant] | None


@dataclass(frozen=True, slots=True)
class Known:
    """What is there: offices, members (with their roles) by key."""

    offices: Mapping[str, Office]
    members: Mapping[str, Member]


Entry = TypeVar("Entry", Office, Member)


@dataclass(frozen=True, slots=True)
class Plan(Generic[Entry]):
    """What would change. `changed` holds what was and what will be."""

    kind: Literal["offices", "people"]
    added: tuple[Entry, ...] = ()
    changed: tuple[tuple[Entry, Entry], ...] = ()
    unchanged: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Reading:
    headings: Sequence[str]
    file: str
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, row: Row, heading: str, code: str, message: str, **fields: object) -> None:
        column = self.headings.index(heading) + 1 if heading in self.headings else 1
        told = {"heading": heading, **fields}
        self.problems.append(Problem(code, message, line=row.line, column=column, file=self.file, fields=told))


def kind_of(headings: Sequence[str]) -> Literal["offices", "people"] | None:
    """What a table with these headings holds; None where it is neither."""
    if tuple(headings) in NATIONAL or ("code" in headings and set(headings) <= set(OFFICE_COLUMNS)):
        return "offices"
    return "people" if {"id", "name"} <= set(headings) <= set(PEOPLE_COLUMNS) else None


def plan_offices(headings: Sequence[str], rows: Iterable[Row], known: Known, file: str) -> "Plan[Office]":
    """What a table of offices would change. Parents may stand anywhere in the file, or be there already."""
    reading = _Reading(headings, file)
    national = NATIONAL.get(tuple(headings))
    read: dict[str, tuple[Row, Office]] = {}
    for row in rows:
        office = _national(reading, row, cast("Level", national)) if national else _office(reading, row, known)
        if office is None:
            continue
        if office.code in read:
            first = read[office.code][0].line
            reading.wrong(
                row,
                "code",
                "roster.twice",
                f"{office.code} stands on line {first} already",
                key=office.code,
                first=first,
            )
        else:
            read[office.code] = (row, office)
    offices = {**known.offices, **{code: office for code, (_, office) in read.items()}}
    for row, office in read.values():
        _place(reading, row, office, offices)
    ordered = sorted((office for _, office in read.values()), key=lambda office: -LEVELS.index(office.level))
    fresh = tuple(office for office in ordered if office.code not in known.offices)
    both = [(known.offices[office.code], office) for office in ordered if office.code in known.offices]
    changed = tuple((old, new) for old, new in both if old != new)
    _check_below(reading, read, known, offices)
    return Plan("offices", fresh, changed, len(both) - len(changed), tuple(reading.problems))


def plan_people(headings: Sequence[str], rows: Iterable[Row], known: Known, file: str) -> "Plan[Member]":
    """What a table of people would change. Roles are written ROLE@OFFICE, several with ; between, a vote's weight
    behind *; the column says all roles of a person, and without it roles stay as they are."""
    reading = _Reading(headings, file)
    read: dict[str, tuple[Row, Member]] = {}
    for row in rows:
        member = _member(reading, row, known, "roles" in headings)
        if member is None:
            continue
        if member.person.id in read:
            first = read[member.person.id][0].line
            reading.wrong(
                row,
                "id",
                "roster.twice",
                f"{member.person.id} stands on line {first} already",
                key=member.person.id,
                first=first,
            )
        else:
            read[member.person.id] = (row, member)
    for row, member in read.values():
        other = member.person.same_as
        if other and (other == member.person.id or (other not in read and other not in known.members)):
            reading.wrong(row, "same_as", "roster.same_as", f"{other} is no other account", key=other)
    fresh = tuple(member for _, member in read.values() if member.person.id not in known.members)
    both = [
        (old, new if new.grants is not None else replace(new, grants=old.grants))
        for _, new in read.values()
        if (old := known.members.get(new.person.id))
    ]
    changed = tuple((old, new) for old, new in both if old != new)
    return Plan("people", fresh, changed, len(both) - len(changed), tuple(reading.problems))


def written(grants: Iterable[Grant]) -> str:
    """Roles as a cell says them."""
    ordered = sorted(grants, key=lambda grant: (grant.office, grant.role))
    return ";".join(f"{one.role}@{one.office}{f'*{one.weight}' if one.weight != 1 else ''}" for one in ordered)


def _office(reading: _Reading, row: Row, known: Known) -> Office | None:
    code, old = row["code"], known.offices.get(row["code"])
    said: Callable[[str, str], str] = lambda heading, was: row[heading] if heading in reading.headings else was  # noqa: E731
    name = said("name", old.zh if old else "")
    level = said("level", old.level if old else "")
    fine = _check_code(reading, row, "code", code) & _check_name(reading, row, name)
    if level not in LEVELS:
        reading.wrong(
            row, "level", "roster.level", f"{level!r} is no level; write county, city or province", value=level
        )
        fine = False
    if not fine:
        return None
    parent = said("parent", (old.parent or "") if old else "")
    english = said("name_en", old.en if old else "")
    return Office(code, name, cast("Level", level), english[:LONGEST_NAME], parent or None)


def _national(reading: _Reading, row: Row, level: Level) -> Office | None:
    if not (_check_code(reading, row, "code", row["code"]) & _check_name(reading, row, row["name"])):
        return None
    province, city = row["provinceCode"], row["cityCode"]
    by_province = province in MUNICIPALITIES or city.endswith(DIRECT)
    parent = {"province": "", "city": province, "county": province if by_province else city}[level]
    return Office(row["code"], row["name"], level, parent=parent or None)


def _place(reading: _Reading, row: Row, office: Office, offices: Mapping[str, Office]) -> None:
    heading = "parent" if "parent" in reading.headings else "cityCode"
    if office.parent is None:
        return
    above = offices.get(office.parent)
    if above is None:
        reading.wrong(row, heading, "roster.parent", f"{office.parent} is no office", value=office.parent)
    elif LEVELS.index(above.level) <= LEVELS.index(office.level):
        reading.wrong(row, heading, "roster.above", f"{above.code} is not of a higher level", value=above.code)


def _check_below(
    reading: _Reading, read: Mapping[str, tuple[Row, Office]], known: Known, offices: Mapping[str, Office]
) -> None:
    """An office whose level changes must stay above those below it."""
    for office in known.offices.values():
        if office.code in read or office.parent is None or office.parent not in read:
            continue
        row, above = read[office.parent]
        if LEVELS.index(above.level) <= LEVELS.index(office.level):
            reading.wrong(row, "level", "roster.above", f"{above.code} is not of a higher level", value=above.code)


def _member(reading: _Reading, row: Row, known: Known, says_roles: bool) -> Member | None:
    account, old = row["id"], known.members.get(row["id"])
    fine = _check_name(reading, row, row["name"])
    if not ACCOUNT.fullmatch(account):
        reading.wrong(row, "id", "roster.account", f"{account!r} is no account name", value=account)
        fine = False
    email = row["email"] if "email" in reading.headings else (old.email if old else "")
    if email and (len(email) > 200 or not MAIL.fullmatch(email)):
        reading.wrong(row, "email", "roster.mail", f"{email!r} is no address of mail", value=email)
        fine = False
    language = row["language"] or (old.language if old else "zh")
    if language not in ("zh", "en"):
        reading.wrong(
            row, "language", "roster.language", f"{language!r} is no language; write zh or en", value=language
        )
        fine = False
    grants = frozenset(_grants(reading, row, known)) if says_roles else None
    if not fine:
        return None
    same_as = row["same_as"] if "same_as" in reading.headings else (old.person.same_as if old else "")
    person = Person(account, row["name"], old.person.active if old else True, same_as)
    return Member(person, email, cast("Language", language), grants)


def _grants(reading: _Reading, row: Row, known: Known) -> Iterator[Grant]:
    for text in filter(None, (part.strip() for part in row["roles"].replace("；", ";").split(";"))):
        match = ROLE.fullmatch(text)
        if match is None:
            reading.wrong(row, "roles", "roster.role", f"{text!r} is no role; write ROLE@OFFICE", value=text)
        elif match["office"] not in known.offices:
            reading.wrong(row, "roles", "roster.office", f"{match['office']} is no office", value=match["office"])
        else:
            yield Grant(row["id"], match["role"], match["office"], int(match["weight"] or 1))


def _check_code(reading: _Reading, row: Row, heading: str, code: str) -> bool:
    if CODE.fullmatch(code):
        return True
    reading.wrong(row, heading, "roster.code", f"{code!r} is no code of an office", value=code)
    return False


def _check_name(reading: _Reading, row: Row, name: str) -> bool:
    if name and len(name) <= LONGEST_NAME and name.isprintable():
        return True
    reading.wrong(row, "name", "roster.name", f"a name has 1 to {LONGEST_NAME} signs", value=name)
    return False
