"""Saved customer groups (客户群) and the rule library (筛选规则积累): sources with a name, an owner and versions.

A version is never changed; an edit is the next one, and a case keeps the one that was newest when it was submitted. The
owner edits and ends a group, or an administrator. Refuses a version that is not in order, or that fails its own tests.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from engine.audience.asking import parts_of
from engine.audience.question import Part
from engine.errors import GroupChanged, InvalidForm, NotFound, Problem
from engine.organisation import Organisation
from engine.service import group_pins, group_texts, group_uses
from engine.service.app import Countersign
from engine.service.authorizing import Action, authorize
from engine.service.group_texts import Test
from engine.service.group_uses import UsedBy, Uses
from engine.service.recording import By, Change, changing
from engine.service.views import Viewer
from engine.store import groups, trail
from engine.store.groups import GroupRow
from engine.values import canonical_json

READS: Action = "groups.read"
WRITES: Action = "groups.write"
OFFICE_OF = ("submitter", "analyst", "definition_author", "administrator")
"""Whose office a group belongs to: that of the first of these roles that its owner has."""
LONGEST_TITLE = 60
LONGEST_NOTE = 200
RESERVED = ("new", "build", "form")
"""Names of pages, and what stands for the form in a definition."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_UNKEPT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class GroupView:
    """One version of a group. `owner` is an account, `owner_name` and `by_name` are names; `source` is the mapping as
    it stands in YAML; `is_rule`: it is one rule, so it belongs to the library; `may_edit`: the viewer may save and end
    it; `newest` is the number of the newest version; `ended` since `ended_at`: offered no more."""

    name: str
    title: str
    owner: str
    owner_name: str
    office: str
    version: int
    source: Mapping[str, Any]
    tests: tuple[Test, ...]
    note: str
    by_name: str
    at: datetime
    is_rule: bool
    uses: Uses
    ended: bool
    ended_at: datetime | None
    may_edit: bool
    newest: int


def listed(app: Countersign, viewer: Viewer | None) -> tuple[GroupView, ...]:
    """The newest version of every group, by title; those that were ended stand last. No viewer is the operator."""
    _may_read(viewer)
    with app.db.read() as tx:
        known, organisation = group_uses.naming(app, tx), app.organisation(tx)
        cases = groups.counts_of_cases(tx, _person(viewer))
        uses = {row.name: group_uses.counts(known, row.name, cases.get(row.name, 0)) for row in known.rows}
    views = (_view(row, organisation, viewer, uses[row.name], row.version) for row in known.rows)
    return tuple(sorted(views, key=lambda one: (one.ended, one.title, one.name)))


def find(app: Countersign, viewer: Viewer | None, name: str, version: int | None = None) -> GroupView:
    """A version of a group, by default its newest. NotFound where there is none."""
    _may_read(viewer)
    with app.db.read() as tx:
        return _found(app, tx, viewer, name, version)


def versions(app: Countersign, viewer: Viewer | None, name: str) -> tuple[GroupView, ...]:
    """All versions, the newest first, without their uses. NotFound where there is no such group."""
    _may_read(viewer)
    with app.db.read() as tx:
        rows, organisation = groups.history(tx, name), app.organisation(tx)
    if not rows:
        raise NotFound()
    return tuple(_view(row, organisation, viewer, Uses(), rows[0].version) for row in rows)


def parts(view: GroupView) -> tuple[Part, ...]:
    """The source of a version and all that it is made of, with how deep each stands in the others."""
    return tuple(parts_of(group_pins.source_in(view.source)))


def used_by(app: Countersign, viewer: Viewer | None, name: str) -> UsedBy:
    """Who uses the group, as far as the viewer may see it."""
    _may_read(viewer)
    with app.db.read() as tx:
        return group_uses.used_by(app, tx, _person(viewer), name)


def save(  # the parts of one form
    app: Countersign,
    by: By,
    *,
    name: str,
    title: str,
    source: Mapping[str, Any],
    note: str,
    base: int | None,
    tests: Sequence[Test] | None = None,
    owner: str = "",
) -> GroupView:
    """Save the next version of a group, or its first (`base` None); `base` is the version that was edited.

    `tests` None keeps those of that version; `owner` is for the operator alone, who owns nothing. The same source again
    makes no new version. A group that was ended is offered again. InvalidForm names what is wrong, with
    `source.union.0.rule` as a place; GroupChanged where somebody saved a version since; NotFound for who may not edit
    it. Nothing is written then.
    """
    by.authorize(WRITES)
    with app.db.read() as tx:
        if trail.done_under(tx, by.key):
            return _found(app, tx, by.viewer, name, None)
        before = _editable(app, tx, by, name, base)
        owner = before.owner if before else by.person if by.viewer else owner
        problems = _wrong(app.organisation(tx), name=name, title=title, note=note, owner=owner)
        if problems:
            raise InvalidForm(problems)
        kept = tests if tests is not None else group_pins.tests_in(before) if before else ()
        read = group_texts.read_source(app, source, group_pins.lookup(tx), name=name, tests=kept)
    failing = group_texts.failing(app, read, kept, person=owner)
    if failing:
        raise InvalidForm(failing)
    with changing(app, by, None) as change:
        groups.lock(change.tx)
        if not change.done_before():
            before = _editable(app, change.tx, by, name, base)
            group_texts.read_source(app, source, group_pins.lookup(change.tx), name=name)  # no circle since then
            row = GroupRow(
                name=name,
                owner=owner,
                office=before.office if before else _office(change.organisation, owner),
                ended_at=None,
                version=(base or 0) + 1,
                title=title.strip(),
                source=canonical_json(source).decode(),
                tests=canonical_json(kept).decode(),
                note=note.strip(),
                saved_by=by.person,
                saved_at=change.now,
            )
            _keep(change, row, before)
        return _found(app, change.tx, by.viewer, name, None)


def end(app: Countersign, by: By, name: str, *, ended: bool = True) -> None:
    """Offer a group no more, or again; twice is once. Cases that run keep it. NotFound for who may not edit it."""
    by.authorize(WRITES)
    with changing(app, by, None) as change:
        groups.lock(change.tx)
        row = groups.find(change.tx, name)
        if row is None or not _may_edit(by.viewer, row):
            raise NotFound()
        if change.done_before() or (row.ended_at is not None) == ended:
            return
        groups.end(change.tx, name, change.now if ended else None)
        change.note("group_ended" if ended else "group_offered", f"group {name}", after={"version": row.version})


def _may_read(viewer: Viewer | None) -> None:
    if viewer is not None:
        authorize(viewer, READS)


def _may_edit(viewer: Viewer | None, row: GroupRow) -> bool:
    return viewer is None or viewer.person == row.owner or viewer.has("administrator")


def _editable(app: Countersign, tx: Connection, by: By, name: str, base: int | None) -> GroupRow | None:
    """The version that is edited; None for a new group."""
    newest = groups.find(tx, name)
    if base is None:
        if newest is not None:
            message = f"there is a group {name} already"
            raise InvalidForm([Problem("group_taken", message, at="name", fields={"name": name})])
        return None
    if newest is None or not _may_edit(by.viewer, newest):
        raise NotFound()
    if newest.version != base:
        by_name = app.organisation(tx).name(newest.saved_by)
        raise GroupChanged(by=by_name, version=newest.version, at=newest.saved_at)
    return newest


def _keep(change: Change, row: GroupRow, before: GroupRow | None) -> None:
    parts = ("title", "source", "tests")
    is_new = before is None or any(getattr(before, one) != getattr(row, one) for one in parts)
    if is_new:
        groups.add(change.tx, row)
    if before is not None and before.ended_at is not None:
        groups.end(change.tx, row.name, None)
        change.note("group_offered", f"group {row.name}", after={"version": before.version})
    if is_new:
        change.note(
            "group_saved",
            f"group {row.name}",
            before=_said(before) if before else None,
            after=_said(row),
            reason=row.note,
        )


def _said(row: GroupRow) -> dict[str, Any]:
    return {"version": row.version, "title": row.title, "source": row.source}


def _wrong(organisation: Organisation, *, name: str, title: str, note: str, owner: str) -> list[Problem]:
    problems = []
    if not _NAME.fullmatch(name) or name in RESERVED:
        told = "a name is small letters, digits and _, 40 at most, beginning with a letter, and none of " + ", ".join(
            RESERVED
        )
        problems.append(Problem("group_name", told, at="name", fields={"reserved": ", ".join(RESERVED)}))
    if not title.strip() or len(title.strip()) > LONGEST_TITLE or _UNKEPT.search(title):
        told = f"a title of {LONGEST_TITLE} characters at most"
        problems.append(Problem("group_title", told, at="title", fields={"most": LONGEST_TITLE}))
    if len(note.strip()) > LONGEST_NOTE or _UNKEPT.search(note):
        told = f"a note of {LONGEST_NOTE} characters at most, on one line"
        problems.append(Problem("group_note", told, at="note", fields={"most": LONGEST_NOTE}))
    if not organisation.is_active(owner):
        problems.append(Problem("form.nobody", f"nobody has the account {owner}", at="owner", fields={"name": owner}))
    return problems


def _office(organisation: Organisation, owner: str) -> str:
    held = {grant.role: grant.office for grant in organisation.grants if grant.person == owner}
    return next((held[role] for role in OFFICE_OF if role in held), "")


def _found(app: Countersign, tx: Connection, viewer: Viewer | None, name: str, version: int | None) -> GroupView:
    newest = groups.find(tx, name)
    row = newest if version is None else groups.find(tx, name, version)
    if row is None or newest is None:
        raise NotFound()
    cases = groups.counts_of_cases(tx, _person(viewer)).get(name, 0)
    uses = group_uses.counts(group_uses.naming(app, tx), name, cases)
    return _view(row, app.organisation(tx), viewer, uses, newest.version)


def _person(viewer: Viewer | None) -> str:
    return viewer.person if viewer else ""


def _view(row: GroupRow, organisation: Organisation, viewer: Viewer | None, uses: Uses, newest: int) -> GroupView:
    source = msgspec.json.decode(row.source)
    return GroupView(
        name=row.name,
        title=row.title,
        owner=row.owner,
        owner_name=organisation.name(row.owner),
        office=row.office,
        version=row.version,
        source=source,
        tests=tuple(msgspec.json.decode(row.tests)),
        note=row.note,
        by_name=organisation.name(row.saved_by),
        at=row.saved_at,
        is_rule=set(source) == {"rule"},
        uses=uses,
        ended=row.ended_at is not None,
        ended_at=row.ended_at,
        may_edit=_may_edit(viewer, row),
        newest=newest,
    )
