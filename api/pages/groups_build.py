"""The page that builds a customer group: rows of conditions in words, how many customers each has, what they come to.

Every button sends the whole form and gets the page back, so it works without scripts; with them the counts follow what
is typed, by the same route. Nothing is kept before it is saved.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

from fastapi import APIRouter, Response

from api import built_form, diagnostics, words
from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, form_key, text
from api.errors import problem_sentence, sentence
from api.formats import Formats
from api.spoken_source import ALGEBRA, joined, said, spoken
from api.visit import Visit
from engine.audience.built import OPERATORS, SEVERAL, WITHOUT_VALUE, Block, Nest, Row
from engine.definition.flat import as_yaml
from engine.errors import GroupChanged, Invalid, Problem, Refused, Unavailable
from engine.service import building, group_impact, groups
from engine.service.app import Countersign
from engine.service.building import FieldView, Looked
from engine.service.group_impact import Impact
from engine.service.groups import GroupView
from engine.service.recording import By
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("groups.write")])


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of the waterfall: how many there are after it, and their share of all in percent."""

    label: str
    customers: int
    width: float


@dataclass(frozen=True, slots=True)
class Naming:
    """What a group is saved under. `group` and `base` are the name and version that it began as, empty if new."""

    group: str = ""
    base: str = ""
    name: str = ""
    title: str = ""
    note: str = ""

    @property
    def version(self) -> int | None:
        """The version it began as."""
        return int(self.base) if self.group and self.base.isdecimal() and len(self.base) < 10 else None


@router.get("/groups/build")
def begin(app: App, visit: CurrentVisit, viewer: CurrentViewer, group: str = "", saved: int = 0) -> Response:
    """An empty group, or a saved one to go on with."""
    if not group:
        return _page(app, visit, viewer, built_form.EMPTY, Naming())
    view = groups.find(app, viewer, group)
    naming = Naming(view.name, str(view.version), view.name, view.title)
    return _page(app, visit, viewer, building.opened(app, viewer, view.source), naming, saved=saved == view.version)


@router.post("/groups/build")
def send(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Count, add and remove rows, or save."""
    action = text(form, "action")
    blocks = built_form.changed(built_form.blocks_of(form), action) or built_form.EMPTY
    naming = Naming(**{part.name: text(form, part.name) for part in fields(Naming)})
    if action not in ("save", "copy", "try"):
        return _page(app, visit, viewer, blocks, naming)
    by = By(viewer, "page", visit.address, form_key(form, viewer))
    is_new = action == "copy" or naming.version is None
    name = naming.group
    if is_new:  # a copy under the name that it has would only be told that the name is taken
        name = naming.name if naming.name != naming.group else ""
    began = _began(app, viewer, naming)
    looked = building.look(app, viewer, blocks, known=began.source if began else None, count=False)
    try:
        if action == "try":
            found = group_impact.impact(app, by, name=naming.group, source=building.finished(looked))
            return _page(app, visit, viewer, blocks, naming, impact=found)
        view = groups.save(
            app,
            by,
            name=name or made_up(by.key, app.now()),
            title=naming.title,
            source=building.finished(looked),
            note=naming.note,
            base=None if is_new else naming.version,
        )
    except GroupChanged as error:  # who saves again puts theirs in the place of what they were told of
        naming = replace(naming, base=str(error.fields["version"]))
        return _page(app, visit, viewer, blocks, naming, error=error)
    except (Invalid, Refused, Unavailable) as error:
        return _page(app, visit, viewer, blocks, naming, error=error)
    return visit.go("/groups/build", group=view.name, saved=str(view.version))


def made_up(key: str, at: datetime) -> str:
    """A name for a group that was given none; the same one where the form is sent twice."""
    return f"g{at:%Y%m%d}_{hashlib.sha256(key.encode()).hexdigest()[:6]}"


def _began(app: Countersign, viewer: Viewer, naming: Naming) -> GroupView | None:
    """The saved version that it began as."""
    return groups.find(app, viewer, naming.group, naming.version) if naming.version else None


def _page(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    blocks: Sequence[Block],
    naming: Naming,
    *,
    error: Invalid | Refused | Unavailable | None = None,
    impact: Impact | None = None,
    saved: bool = False,
) -> Response:
    began = _began(app, viewer, naming)
    looked = building.look(app, viewer, blocks, known=began.source if began else None)
    offered, formats = building.offered(app, viewer), visit.formats
    problems = (*looked.problems, *(error.problems if isinstance(error, Invalid) else ()))
    visit.wrong = {one.at: spoken_problem(one, formats) for one in reversed(problems)}
    places = {one.at for one in problems if one.at[:1].isdecimal() or one.at in ("title", "name", "note")}
    return visit.page(
        "group_build.html",
        status=error.status if error else 200,
        looked=looked,
        offered=offered,
        naming=naming,
        saved=saved,
        impact=impact,
        may_edit=began is not None and began.may_edit,
        kind=built_form.kind,
        operators=OPERATORS,
        several=SEVERAL,
        without_value=WITHOUT_VALUE,
        sentences=spoken(looked.blocks, offered.fields, formats),
        bars=tuple(_bars(looked, offered.fields, formats)),
        yaml=as_yaml({"source": looked.source}) if looked.source else "",
        general=tuple(dict.fromkeys(spoken_problem(one, formats) for one in problems if one.at not in places)),
        wrong_places=len(places),
        failed=sentence(looked.failed, formats) if looked.failed else "",
        error=sentence(error, formats) if isinstance(error, Refused | Unavailable) else "",
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
    """What is left row by row of the first block, and with each further one as a whole."""
    if looked.counted is None:
        return
    known = {field.name: field for field in fields}
    everybody = max(1, looked.counted.everybody)
    blocks = [(number, block) for number, block in enumerate(looked.blocks) if f"{number}" in looked.counts]
    for number, block in blocks[:1]:
        for place, row in enumerate(block.rows):
            found = looked.counts.get(f"{number}.{place}")
            if found is not None:
                label = _label(row, known, formats)
                yield Bar(label, found.after, found.after * 100 / everybody)
    for number, block in blocks[1:]:
        found = looked.counts[f"{number}"]
        label = formats.words(ALGEBRA[block.how]) + joined(block.rows, block.join, known, formats)
        yield Bar(label, found.after, found.after * 100 / everybody)


def _label(row: Row | Nest, known: Mapping[str, FieldView], formats: Formats) -> str:
    return joined(row.rows, row.join, known, formats) if isinstance(row, Nest) else said(row, known, formats)
