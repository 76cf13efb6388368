"""Offices and people from a file, and back into one: looked at first, then confirmed as it was looked at.

A file with one wrong row changes nothing. Read again it changes nothing either. Refuses to remove anybody: who is not
in the file stays as they are.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from engine.errors import InvalidFile, NotFound, Problem
from engine.organisation import Grant, Office
from engine.organisation.roster import (
    NATIONAL,
    OFFICE_COLUMNS,
    PEOPLE_COLUMNS,
    Known,
    Member,
    Plan,
    Row,
    kind_of,
    plan_offices,
    plan_people,
    written,
)
from engine.service import sheets
from engine.service.app import Countersign
from engine.service.recording import By, Change, changing
from engine.store import roster, uploads
from engine.values import digest_of

Kind = Literal["offices", "people"]


@dataclass(frozen=True, slots=True)
class Preview:
    """What confirming would do. `upload` names the kept file, `seen` what was shown; both go back with the
    confirmation."""

    plan: "Plan[Office] | Plan[Member]"
    name: str
    upload: str = ""
    seen: str = ""


def look(app: Countersign, by: By, data: bytes, name: str) -> Preview:
    """What the file would change; nothing is changed yet. Raises InvalidFile for what is no such table at all."""
    by.authorize("organisation.manage")
    with app.db.read() as tx:
        plan = _plan(sheets.read(data, name), roster.known(tx))
    if plan.problems:
        return Preview(plan, name)
    number = secrets.token_hex(16)
    with app.db.begin() as tx:
        uploads.keep(tx, number=number, kind=plan.kind, name=name, body=data, person=by.person, at=app.now())
    return Preview(plan, name, number, digest_of_plan(plan))


def confirm(app: Countersign, by: By, upload: str, seen: str) -> Preview:
    """Carry out what was shown. Where the organisation changed meanwhile nothing is done, and the answer is the new
    preview; its `upload` is empty where it was carried out. NotFound where the file is gone or was confirmed before."""
    with changing(app, by, "organisation.manage") as change:
        kept = uploads.find(change.tx, upload, by.person)
        if kept is None:
            raise NotFound()
        plan = _plan(sheets.read(kept.body, kept.name), roster.known(change.tx))
        if plan.problems or digest_of_plan(plan) != seen:
            return Preview(plan, kept.name, "" if plan.problems else upload, digest_of_plan(plan))
        carry_out(change, plan)
        uploads.forget(change.tx, upload)
    return Preview(plan, kept.name)


def load(app: Countersign, by: By, data: bytes, name: str, *, dry: bool = False) -> "Plan[Office] | Plan[Member]":
    """Read a file and carry it out at once, for commands. Raises InvalidFile with every wrong row."""
    with changing(app, by, "organisation.manage") as change:
        plan = _plan(sheets.read(data, name), roster.known(change.tx))
        if plan.problems:
            raise InvalidFile(plan.problems)
        if not dry:
            carry_out(change, plan)
    return plan


def carry_out(change: Change, plan: "Plan[Office] | Plan[Member]") -> None:
    """Write what the plan says, and one entry of the history for each office or person that changes."""
    if plan.kind == "offices":
        offices = cast("Plan[Office]", plan)
        roster.put_offices(change.tx, [*offices.added, *(new for _, new in offices.changed)])
        for office in offices.added:
            change.note("office_added", office.code, after=told_office(office))
        for old, new in offices.changed:
            change.note("office_changed", new.code, before=told_office(old), after=told_office(new))
        return
    members = cast("Plan[Member]", plan)
    gone = [grant for old, new in members.changed for grant in _gone(old, new)]
    roster.put_members(change.tx, [*members.added, *(new for _, new in members.changed)], gone)
    for member in members.added:
        change.note("person_added", member.person.id, after=told_member(member))
    for before, after in members.changed:
        change.note("person_changed", after.person.id, before=told_member(before), after=told_member(after))


def export(app: Countersign, by: By, kind: Kind, form: sheets.Format) -> bytes:
    """All offices or all people as a file that `look` reads again without any change."""
    by.authorize("organisation.manage")
    with app.db.read() as tx:
        known = roster.known(tx)
    if kind == "offices":
        offices = [(one.code, one.zh, one.en, one.level, one.parent or "") for one in known.offices.values()]
        return sheets.write(form, OFFICE_COLUMNS, offices, title=kind)
    people = [
        (m.person.id, m.person.name, m.email, m.language, m.person.same_as, written(m.grants or ()))
        for m in known.members.values()
    ]
    return sheets.write(form, PEOPLE_COLUMNS, people, title=kind)


def told_office(office: Office) -> dict[str, str]:
    """An office as the history keeps it."""
    return {"name": office.zh, "name_en": office.en, "level": office.level, "parent": office.parent or ""}


def told_member(member: Member) -> dict[str, str]:
    """A person as the history keeps them."""
    person = member.person
    told = {"name": person.name, "email": member.email, "language": member.language, "same_as": person.same_as}
    return {**told, "roles": written(member.grants or ())}


def digest_of_plan(plan: "Plan[Office] | Plan[Member]") -> str:
    """One text per plan: what was looked at is what is carried out."""
    told = [repr(one) if plan.kind == "offices" else _said(cast("Member", one)) for one in plan.added]
    both = [(_said_any(old), _said_any(new)) for old, new in plan.changed]
    return digest_of([plan.kind, told, both])


def _said_any(one: Office | Member) -> str:
    return repr(one) if isinstance(one, Office) else _said(one)


def _said(member: Member) -> str:
    return repr((member.person, told_member(member)))


def _gone(old: Member, new: Member) -> list[Grant]:
    kept = {(grant.role, grant.office) for grant in new.grants or ()}
    return [grant for grant in old.grants or () if (grant.role, grant.office) not in kept]


def _plan(sheet: sheets.Sheet, known: Known) -> "Plan[Office] | Plan[Member]":
    headings = _headings(sheet)
    rows = [Row(line.number, dict(zip(headings, line.cells, strict=True))) for line in sheet.lines]
    if kind_of(headings) == "offices":
        return plan_offices(headings, rows, known, sheet.name)
    return plan_people(headings, rows, known, sheet.name)


def _headings(sheet: sheets.Sheet) -> Sequence[str]:
    if len(set(sheet.headings)) == len(sheet.headings) and kind_of(sheet.headings):
        return sheet.headings
    offices, people, national = (",".join(names) for names in (OFFICE_COLUMNS, PEOPLE_COLUMNS, list(NATIONAL)[-1]))
    hint = f"offices have {offices} (or {national}), people {people}"
    fields = {"offices": offices, "people": people}
    problem = Problem(
        "sheet.headings", "these are not the headings", hint, line=1, column=1, file=sheet.name, fields=fields
    )
    raise InvalidFile([problem])
