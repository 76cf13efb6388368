"""What a new version would have done to the cases there are, before it is published.

Each case's history is told again twice, under its own version and under the new one, with the people of today, so that
only the definition makes a difference. Refuses to change anything, and to say of a form what the viewer does not see.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from engine.definition.compile import compile_process
from engine.definition.model import Definition
from engine.definition.what_if import Retraced, retrace
from engine.errors import Invalid, NotFound, Problem
from engine.service import publishing
from engine.service.app import Countersign
from engine.service.fields import hidden, seen_reason
from engine.service.views import Viewer
from engine.store import cases, definitions, history


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
            case = cases.load(tx, row.id)
            if since not in (None, row.version) or not case.round:
                continue
            entries = history.load(tx, row.id)
            unseen = hidden(app, tx, viewer.person, case)
            before = _seen(retrace(app.definition(case.process), app.process(case.process, tx), entries), unseen)
            after = _seen(retrace(definition, process, entries), unseen)
            compared.append(Comparison(row.id, row.number or "", row.version, before, after))
    if not compared:
        hint = "`countersign definitions list` shows the names and versions there are"
        raise Invalid([Problem("name", f"{definition.name} has no submitted case to try it on", hint)])
    return tuple(compared)


def _seen(retraced: Retraced, unseen: Collection[str]) -> Retraced:
    refused = retraced.refused
    if refused is None or (why := seen_reason(refused.why, refused.about, unseen)) == refused.why:
        return retraced
    return replace(retraced, refused=replace(refused, why=why, about=()))
