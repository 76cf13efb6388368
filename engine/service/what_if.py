"""What a new version would have done to the cases there are, before it is published.

Each case's history is told again twice, under its own version and under the new one, with the people of today, so that
only the definition makes a difference. Refuses to change anything, and to say of a form what the viewer does not see.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from engine.definition.check import check
from engine.definition.compile import compile_process
from engine.definition.model import Definition
from engine.definition.what_if import Retraced, retrace
from engine.errors import Invalid, NotFound, Problem
from engine.machine.process import Process
from engine.service import publishing
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.fields import hidden, seen_reason
from engine.service.published import PublishedTexts
from engine.service.views import Viewer
from engine.store import cases, definitions, history, instances
from engine.store.definitions import OfDefinition


@dataclass(frozen=True, slots=True)
class Comparison:
    """One case under its own version (`before`) and under the new definition (`after`)."""

    case_id: str
    number: str
    version: int
    before: Retraced
    after: Retraced

    @property
    def differs(self) -> bool:
        """Whether anything would have gone otherwise."""
        return self.before != self.after

    @property
    def no_longer_asked(self) -> tuple[tuple[str, str], ...]:
        """Step and person of those who would not have been asked."""
        return tuple(seat for seat in self.before.asked if seat not in self.after.asked)

    @property
    def asked_as_well(self) -> tuple[tuple[str, str], ...]:
        """Step and person of those who would have been asked, and were not."""
        return tuple(seat for seat in self.after.asked if seat not in self.before.asked)


@dataclass(frozen=True, slots=True)
class Piece:
    """Of the `total` submitted cases that the viewer sees, those from `start` until (not including) `until` compared;
    `differing` would have gone otherwise. `wrong`: the errors of the text, where it has any."""

    total: int
    start: int
    until: int
    differing: tuple[Comparison, ...]
    wrong: tuple[Problem, ...] = ()


def piece(app: Countersign, viewer: Viewer, source: str, *, start: int, count: int) -> Piece:
    """A few of the cases under the definition that `source` is, the oldest first; pages go through them piece by piece.

    NotFound for who may not write definitions.
    """
    authorize(viewer, "definitions.write")
    checked = check(source, texts=PublishedTexts(app), prove=False)
    definition = checked.definition
    if definition is None:
        return Piece(0, 0, 0, (), tuple(checked.reasons))
    new = compile_process(definition)
    with app.db.read() as tx:
        rows = instances.submitted(tx, viewer.person, definition.name)
        process = new.bound(app.organisation(tx), app.calendar(tx))
        chosen = rows[start : start + count]
        compared = [_compared(app, tx, viewer, row, (definition, process)) for row in chosen]
    return Piece(len(rows), start, start + len(chosen), tuple(one for one in compared if one.differs))


def what_if(
    app: Countersign, viewer: Viewer, definition: Definition, *, since: int | None = None
) -> tuple[Comparison, ...]:
    """All submitted cases of the definition's name (those at version `since`), the oldest first.

    NotFound for who may not write definitions; Invalid where there is no such case.
    """
    if not viewer.has(*publishing.AUTHORS):
        raise NotFound()
    new = compile_process(definition)
    compared = []
    with app.db.read() as tx:
        process = new.bound(app.organisation(tx), app.calendar(tx))
        for row in definitions.all_cases(tx, definition.name):
            if since not in (None, row.version) or not cases.load(tx, row.id).round:
                continue
            compared.append(_compared(app, tx, viewer, row, (definition, process)))
    if not compared:
        hint = "`countersign definitions list` shows the names and versions there are"
        raise Invalid([Problem("name", f"{definition.name} has no submitted case to try it on", hint)])
    return tuple(compared)


def _compared(
    app: Countersign, tx: Connection, viewer: Viewer, row: OfDefinition, under: tuple[Definition, Process]
) -> Comparison:
    case, entries = cases.load(tx, row.id), history.load(tx, row.id)
    unseen = hidden(app, tx, viewer.person, case)
    before = _seen(retrace(app.definition(case.process), app.process(case.process, tx), entries), unseen)
    return Comparison(row.id, row.number or "", row.version, before, _seen(retrace(*under, entries), unseen))


def _seen(retraced: Retraced, unseen: Collection[str]) -> Retraced:
    refused = retraced.refused
    if refused is None or (why := seen_reason(refused.why, refused.about, unseen)) == refused.why:
        return retraced
    return replace(retraced, refused=replace(refused, why=why, about=()))
