"""How cases go through their approval: figures with what they are of, the diagram in the heat of its times, the cases
behind each number. The filters stand in the address."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit
from api.errors import sentence
from api.vega import courses as vega
from api.vega import shelf
from api.vega.answering import AskedDrawing, Drawing
from api.vega.drawn import Drawn
from api.visit import Visit
from engine.errors import Invalid, NotFound
from engine.service import process_figures
from engine.service.process_columns import NAMES
from engine.service.process_views import ProcessPage, StepFigures
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("cases.read")])
SVG = "image/svg+xml"
Short = Annotated[str, Query(max_length=4000)]


@router.get("/process")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, request: Request, drawing: Drawing) -> Response:
    """The figures of the cases that the viewer may see, or one of their charts as a drawing."""
    filters = _filters(request)
    if drawing.draws:
        return _drawn(visit, viewer, filters, drawing)
    try:
        page, error, status = process_figures.page(app, viewer, filters), "", 200
        shown = filters
    except Invalid as wrong:
        page = process_figures.page(app, viewer, {})
        shown = dict.fromkeys(NAMES, "")
        error, status = sentence(wrong, visit.formats), wrong.status
    return visit.page(
        "process.html",
        status=status,
        page=page,
        filters=filters,
        drawings=_kept(visit, viewer, shown, page),
        query=_query(filters),
        to=lambda **more: _query({**filters, **more}),
        error=error,
    )


@router.get("/process/cases")
def behind(
    *,
    app: App,
    visit: CurrentVisit,
    viewer: CurrentViewer,
    request: Request,
    part: Short = "all",
    name: Short = "",
    what: Short = "",
) -> Response:
    """The cases behind a number."""
    filters = _filters(request)
    found = process_figures.behind(app, viewer, filters, part=part, name=name, what=what)
    return visit.page("process_cases.html", found=found, part=part, name=name, what=what, query=_query(filters))


@router.get("/process/heat.svg")
def heat(app: App, visit: CurrentVisit, viewer: CurrentViewer, request: Request) -> Response:
    """The chains of a definition, each step coloured and told by how long it takes."""
    words, fmt = visit.words, visit.formats

    def note(one: StepFigures, level: int) -> str:
        if one.took is None:
            return words("none decided, %(count)s open", count=fmt.number(one.open))
        return words(
            "%(mark)s half within %(half)s, 9 in 10 within %(most)s (n %(count)s)",
            mark="■" * level + "□" * (process_figures.LEVELS - level),
            half=fmt.seconds(one.took.half),
            most=fmt.seconds(one.took.most),
            count=fmt.number(one.took.n),
        )

    return Response(process_figures.heat(app, viewer, _filters(request), note), media_type=SVG)


def _drawn(visit: Visit, viewer: Viewer, filters: Mapping[str, str], drawing: AskedDrawing) -> Response:
    found = shelf.find(visit.app, _shelf(visit, viewer, filters))
    if found is None:
        found = _kept(visit, viewer, filters, process_figures.page(visit.app, viewer, filters))
    one = next((each for each in found if each.key == drawing.chart), None)
    if one is None:
        raise NotFound()
    return drawing.answer(one.picture, f"process-{one.key}")


def _kept(visit: Visit, viewer: Viewer, filters: Mapping[str, str], page: ProcessPage) -> tuple[Drawn, ...]:
    drawings = vega.drawings(page, filters, visit.formats)
    shelf.keep(visit.app, _shelf(visit, viewer, filters), drawings)
    return drawings


def _shelf(visit: Visit, viewer: Viewer, filters: Mapping[str, str]) -> shelf.Key:
    return (viewer.person, visit.language, f"/process?{_query(filters)}")


def _filters(request: Request) -> dict[str, str]:
    return {name: request.query_params.get(name, "")[:100] for name in NAMES}


def _query(filters: Mapping[str, str]) -> str:
    return urlencode([(name, value) for name, value in filters.items() if value])
