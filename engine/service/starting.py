"""What a submitter may begin with: the kinds of case with who usually approves, drafts of their own, cases to copy."""

from dataclasses import dataclass

from engine.definition.compile import compile_process
from engine.machine.chains import Countersign as Together
from engine.machine.process import Process
from engine.service import copying, definitions, proposals, showing
from engine.service.app import Countersign
from engine.service.views import CaseRow, Viewer
from engine.store import listing
from engine.store.listing import Wanted
from engine.values import Bilingual

DRAFTS = 50


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of case that can be started. `approves`: the steps of the way that most cases of it take, where nothing
    special holds; `drafts` how many the viewer has."""

    name: str
    title: Bilingual
    description: Bilingual
    approves: tuple[Bilingual, ...]
    drafts: int


@dataclass(frozen=True, slots=True)
class Picker:
    """The page of what to begin with; `copies` are earlier cases that `query` finds."""

    kinds: tuple[Kind, ...]
    drafts: tuple[CaseRow, ...]
    copies: tuple[CaseRow, ...]


def picker(app: Countersign, viewer: Viewer, query: str = "") -> Picker:
    """What the viewer may begin with; nothing for who submits nothing."""
    if not viewer.has("submitter"):
        return Picker((), (), ())
    with app.db.read() as tx:
        own = Wanted(state="draft", submitter=viewer.person)
        lines, _ = listing.page(tx, viewer.person, own, None, limit=DRAFTS)
        drafts = tuple(showing.case_row(app, tx, line, viewer.person) for line in lines)
    names = [line.process.name for line in lines]
    kinds = tuple(
        Kind(one.name, one.title, one.description, _usual(app, one.name), names.count(one.name))
        for one in proposals.startable(app, viewer)
    )
    return Picker(kinds, drafts, copying.offered(app, viewer, query))


def _usual(app: Countersign, name: str) -> tuple[Bilingual, ...]:
    """The steps of the chain that the last row of the route leads to."""
    process: Process = compile_process(definitions.newest(app, name)[1])
    if not process.route:
        return ()
    return tuple(
        column.label if isinstance(column, Together) else process.label(column.step.name)
        for column in process.chains[process.route[-1].use]
    )
