"""What an edit of a customer group would do, before it is saved: how many customers now and then, who joins, who
leaves, and whom it touches.

Both versions are counted in one look at the customers. Refuses to save anything.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.audience.exclusions import InSavedGroup
from engine.audience.groups import GroupVersion, expanded_source
from engine.audience.plan import AudiencePlan
from engine.audience.sources import Rule, SavedGroup, SourceKind, Union
from engine.errors import ExpressionFailed, Invalid, InvalidForm, NotFound, SelectionFailed, Unavailable
from engine.service import earlier, group_pins, group_texts, group_uses, whereabouts
from engine.service.app import Countersign
from engine.service.group_texts import Test
from engine.service.group_uses import UsedBy
from engine.service.recording import By
from engine.store import groups

OLD, NEW = "before", "after"


@dataclass(frozen=True, slots=True)
class Impact:
    """`before` is None for a new group; `universe` are all customers that there are. Where nobody could be counted,
    `failed` says why and the numbers are 0. Cases in `used_by` keep what they have until they are submitted again."""

    as_of: datetime
    universe: int
    before: int | None
    after: int
    joined: int
    left: int
    used_by: UsedBy
    failed: str = ""


def impact(
    app: Countersign, by: By, *, name: str, source: Mapping[str, Any], tests: Sequence[Test] | None = None
) -> Impact:
    """What saving `source` as the next version of the group would do. InvalidForm as `groups.save` has it, also for
    tests that fail (None: those of the newest version)."""
    by.authorize("groups.write")
    person = by.viewer.person if by.viewer else ""
    with app.db.read() as tx:
        row = groups.find(tx, name) if name else None
        lookup = group_pins.lookup(tx, anew=True)
        kept = tests if tests is not None else group_pins.tests_in(row) if row else ()
        new = group_texts.read_source(app, source, lookup, name=name, tests=kept)
        old = _old(group_pins.version_in(row), lookup) if row else None
        used = group_uses.used_by(app, tx, person, name)
    owner = person or (row.owner if row else "")
    failing = group_texts.failing(app, new, kept, person=owner)
    if failing:
        raise InvalidForm(failing)
    return _counted(app, old, new, used, owner)


def size(app: Countersign, by: By, name: str, version: int | None = None) -> Impact:
    """How many customers a group has now, as an impact that changes nothing. NotFound where it is not there."""
    by.authorize("groups.read")
    person = by.viewer.person if by.viewer else ""
    with app.db.read() as tx:
        row = groups.find(tx, name, version)
        if row is None:
            raise NotFound()
        used = group_uses.used_by(app, tx, person, name)
        saved = group_pins.version_in(row)
        try:
            read = expanded_source(saved.source, group_pins.lookup(tx), of=name)
        except Invalid as error:
            return Impact(app.now(), 0, None, 0, 0, 0, used, failed=error.message)
    return _counted(app, None, read, used, person or row.owner)


def _old(version: GroupVersion, lookup: Any) -> SourceKind | None:
    try:
        return expanded_source(version.source, lookup, of=version.name)
    except Invalid:
        return None  # what it names was ended since


def _counted(app: Countersign, old: SourceKind | None, new: SourceKind, used: UsedBy, person: str) -> Impact:
    now = app.now()
    try:
        base = whereabouts.existing(app)
        selection = group_texts.compiled(app, base.version, _both(old, new))
        with tempfile.TemporaryDirectory(prefix=".impact-", dir=base.dataset.folder) as scratch:
            folder = Path(scratch)
            beside = earlier.outcomes(app, person, selection, folder, base)
            limits = group_texts.limits_of(app)
            cube = base.select(selection, folder, beside=beside, limits=limits).cube
    except (SelectionFailed, Invalid, ExpressionFailed, Unavailable) as error:
        return Impact(now, 0, None, 0, 0, 0, used, failed=error.message)
    after = cube.alone(NEW)
    before = cube.alone(OLD) if old is not None else None
    both = cube.overlaps().get((OLD, NEW), 0) if old is not None else after
    return Impact(
        as_of=now,
        universe=cube.universe,
        before=before,
        after=after,
        joined=after - both,
        left=before - both if before is not None else 0,
        used_by=used,
    )


def _both(old: SourceKind | None, new: SourceKind) -> AudiencePlan:
    """The customers of either, each version as an exclusion, so that the counts say who is in which."""
    versions = {NEW: new} if old is None else {OLD: old, NEW: new}
    saved = {name: SavedGroup(group=name, title=name, parts=(source,)) for name, source in versions.items()}
    marks = tuple(_Marked(group=name, saved=one) for name, one in saved.items())
    plan = AudiencePlan(source=Rule(rule="true"))
    union = Union(union=(Rule(rule="true"),)).made_of(tuple(saved.values()))
    return plan.model_copy(update={"source": union, "remove": marks})


class _Marked(InSavedGroup):
    """An exclusion that is called as its version."""

    @property
    def name(self) -> str:
        return self.group
