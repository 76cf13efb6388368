"""Offices and working groups changed one at a time by administrators.

A group (工作组、委员会) is a role at an office that bears a name; its members are those who hold the role there, with
the weights of their votes. Definitions ask them by `members(ROLE@LEVEL)`. Refuses an office that would not fit into
the tree, and never removes one: cases name it.
"""

from dataclasses import dataclass, replace

from engine.errors import InvalidFile, InvalidForm, NotFound, Problem
from engine.organisation import Office, Offices
from engine.organisation.roster import CODE, LONGEST_NAME, ROLE
from engine.service.app import Countersign
from engine.service.authorizing import Action
from engine.service.importing import told_office
from engine.service.recording import OPERATOR, By, changing
from engine.service.staff import Holder
from engine.store import roster, trail
from engine.values import LEVELS, Bilingual

MANAGES: Action = "organisation.manage"


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group in a list."""

    role: str
    office: str
    name: Bilingual
    office_name: Bilingual
    members: int


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group with its members, the heaviest vote first."""

    role: str
    office: str
    name: Bilingual
    office_name: Bilingual
    members: tuple[Holder, ...]
    changes: tuple[trail.Entry, ...]

    @property
    def votes(self) -> int:
        """The weights of those with an open account, together."""
        return sum(one.weight for one in self.members if one.is_open)


def put(app: Countersign, office: Office, *, is_new: bool, by: By = OPERATOR) -> bool:
    """Add an office, or change its name, level or superior. False where nothing is different.

    InvalidForm where the code is taken (`is_new`), a field is wrong, or the tree would not hold.
    """
    with changing(app, by, MANAGES) as change:
        known = {one.code: one for one in change.organisation.offices}
        old = known.get(office.code)
        problems = _wrong(office)
        if is_new and old:
            told = f"{office.code} is taken"
            problems.append(Problem("office_taken", told, at="code", fields={"name": old.zh}))
        if not is_new and old is None:
            raise NotFound()
        if not problems:
            problems = _misplaced({**known, office.code: office}, office)
        if problems:
            raise InvalidForm(problems)
        if old == office:
            return False
        roster.put_offices(change.tx, [office])
        before = told_office(old) if old else None
        change.note("office_changed" if old else "office_added", office.code, before=before, after=told_office(office))
        return True


def groups(app: Countersign, by: By) -> tuple[GroupRow, ...]:
    """Every group, by office."""
    by.authorize(MANAGES)
    with app.db.read() as tx:
        return tuple(
            GroupRow(
                row.role,
                row.office,
                Bilingual(zh=row.zh, en=row.en),
                Bilingual(zh=row.office_zh, en=row.office_en),
                row.members,
            )
            for row in roster.all_groups(tx)
        )


def group(app: Countersign, by: By, role: str, office: str) -> GroupView:
    """One group. NotFound where there is none."""
    by.authorize(MANAGES)
    with app.db.read() as tx:
        row, offices = roster.group(tx, role, office), app.organisation(tx).offices
        if row is None or office not in offices:
            raise NotFound()
        held = [one for one in roster.holders(tx, office) if one.role == role]
        return GroupView(
            role,
            office,
            Bilingual(zh=row.zh, en=row.en),
            offices[office].label,
            tuple(Holder(one.id, one.name, one.active, one.weight) for one in held),
            trail.about(tx, _subject(role, office)),
        )


def put_group(app: Countersign, *, role: str, office: str, name: Bilingual, by: By = OPERATOR) -> bool:
    """Name the holders of a role at an office a group, or change the name. False where it is so already."""
    with changing(app, by, MANAGES) as change:
        problems = []
        if not ROLE.fullmatch(f"{role}@1"):
            problems.append(Problem("role_name", f"{role!r} is no role", at="role", fields={"name": role}))
        if office not in change.organisation.offices:
            problems.append(Problem("no_office", f"there is no office {office}", at="office", fields={"name": office}))
        problems += _wrong_names(name.zh, name.en, "zh")
        if problems:
            raise InvalidForm(problems)
        row = roster.group(change.tx, role, office)
        before = {"zh": row.zh, "en": row.en} if row else None
        after = {"zh": name.zh, "en": name.en}
        if before == after:
            return False
        roster.put_group(change.tx, role=role, office=office, zh=name.zh, en=name.en)
        change.note("group_changed" if row else "group_added", _subject(role, office), before=before, after=after)
        return True


def drop_group(app: Countersign, *, role: str, office: str, by: By = OPERATOR) -> bool:
    """Take the name away; who holds the role keeps it. False where it bore none."""
    with changing(app, by, MANAGES) as change:
        row = roster.group(change.tx, role, office)
        if row is None:
            return False
        roster.drop_group(change.tx, role, office)
        change.note("group_removed", _subject(role, office), before={"zh": row.zh, "en": row.en})
        return True


def _subject(role: str, office: str) -> str:
    return f"{role}@{office}"


def _wrong(office: Office) -> list[Problem]:
    problems = _wrong_names(office.zh, office.en, "zh")
    if not CODE.fullmatch(office.code):
        problems.append(Problem("office_code", "a code is up to 12 letters, digits or dashes", at="code"))
    if office.level not in LEVELS:
        problems.append(Problem("office_level", "write county, city or province", at="level"))
    return problems


def _wrong_names(zh: str, en: str, at: str) -> list[Problem]:
    if zh.strip() and max(len(zh), len(en)) <= LONGEST_NAME and zh.isprintable() and (not en or en.isprintable()):
        return []
    return [Problem("person_name", f"a name has 1 to {LONGEST_NAME} signs", at=at)]


def _misplaced(offices: dict[str, Office], office: Office) -> list[Problem]:
    try:
        Offices(offices.values())
    except InvalidFile as error:
        kinds = {"office-parent": "office_parent", "office-level": "office_above"}
        return [
            replace(one, code=kinds[one.code], at="parent", fields={"name": office.parent or ""})
            for one in error.problems[:1]
        ]
    return []
