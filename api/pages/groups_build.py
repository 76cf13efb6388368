"""The page that builds a customer group: rows of conditions in words, how many customers each has, what they come to.

Every button sends the whole form and gets the page back, so it works without scripts; with them the counts follow what
is typed, by the same route. Nothing is kept before it is saved.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Response

from api import built_form, diagnostics, words
from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted
from api.errors import problem_sentence, sentence
from api.formats import Formats
from api.spoken_source import joined, said, spoken
from api.visit import Visit
from engine.audience.built import OPERATORS, SEVERAL, WITHOUT_VALUE, Block, Nest
from engine.definition.flat import dumped
from engine.errors import CountersignError, Problem
from engine.service import building
from engine.service.app import Countersign
from engine.service.building import FieldView, Looked
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("groups.build")])


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of the waterfall: how many there are after it, and their share of all in percent."""

    label: str
    customers: int
    width: float


@router.get("/groups/build")
def begin(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """An empty group, or a saved one to go on with."""
    return _page(app, visit, viewer, built_form.EMPTY)


@router.post("/groups/build")
def send(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Count, or add and remove rows."""
    action = str(form.get("action", ""))
    blocks = built_form.changed(built_form.blocks_of(form), action) or built_form.EMPTY
    return _page(app, visit, viewer, blocks)


def _page(
    app: Countersign, visit: Visit, viewer: Viewer, blocks: Sequence[Block], *, error: CountersignError | None = None
) -> Response:
    looked = building.look(app, viewer, blocks)
    offered, formats = building.offered(app, viewer), visit.formats
    for problem in reversed(looked.problems):
        visit.wrong[problem.at] = spoken_problem(problem, formats)
    return visit.page(
        "group_build.html",
        status=error.status if error else 200,
        looked=looked,
        offered=offered,
        kind=built_form.kind,
        operators=OPERATORS,
        several=SEVERAL,
        without_value=WITHOUT_VALUE,
        sentences=spoken(looked.blocks, offered.fields, formats),
        bars=tuple(_bars(looked, offered.fields, formats)),
        yaml=dumped({"source": looked.source}) if looked.source else "",
        general=tuple(spoken_problem(one, formats) for one in looked.problems if not one.at),
        failed=sentence(looked.failed, formats) if looked.failed else "",
        error=sentence(error, formats) if error else "",
    )


def spoken_problem(problem: Problem, formats: Formats) -> str:
    """A problem of a row: in the words of pages, or of the check of definitions, with line and column of a text."""
    if problem.code in words.PROBLEMS:
        return problem_sentence(problem, formats)
    told = diagnostics.message(problem, formats)
    if problem.line:
        place = formats.words("Line %(line)s, column %(column)s: ", line=problem.line, column=problem.column)
        told = place + told
    hint = diagnostics.hint(problem, formats) if problem.hint else ""
    return f"{told} → {hint}" if hint else told


def _bars(looked: Looked, fields: Sequence[FieldView], formats: Formats) -> Iterator[Bar]:
    """What is left row by row; behind a block that is not the first, what it makes of those before it."""
    if looked.counted is None:
        return
    known = {field.name: field for field in fields}
    everybody = max(1, looked.counted.everybody)
    is_several = len([b for b in range(len(looked.blocks)) if f"{b}" in looked.counts]) > 1
    for b, block in enumerate(looked.blocks):
        for r, row in enumerate(block.rows):
            found = looked.counts.get(f"{b}.{r}")
            if found is None:
                continue
            label = joined(row.rows, row.join, known, formats) if isinstance(row, Nest) else said(row, known, formats)
            yield Bar(label, found.after, found.after * 100 / everybody)
        total = looked.counts.get(f"{b}")
        if is_several and total is not None and b:
            yield Bar(formats.words(words.HOWS[block.how]), total.after, total.after * 100 / everybody)
