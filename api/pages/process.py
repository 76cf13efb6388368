"""How cases go through their approval: figures with what they are of, the diagram in the heat of its times, the cases
behind each number. The filters stand in the address."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from api import charts
from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit
from api.errors import sentence
from engine.errors import Invalid
from engine.service import process_figures
from engine.service.process_columns import NAMES
from engine.service.process_views import StepFigures

router = APIRouter(dependencies=[for_page("cases.read")])
SVG = "image/svg+xml"
Short = Annotated[str, Query(max_length=4000)]


@router.get("/process")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, request: Request) -> Response:
    """The figures of the cases that the viewer may see."""
    filters = _filters(request)
    try:
        page, error, status = process_figures.page(app, viewer, filters), "", 200
    except Invalid as wrong:
        page = process_figures.page(app, viewer, {})
        error, status = sentence(wrong, visit.formats), wrong.status
    return visit.page(
        "process.html",
        status=status,
        page=page,
        filters=filters,
        bars=charts.process,
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


def _filters(request: Request) -> dict[str, str]:
    return {name: request.query_params.get(name, "")[:100] for name in NAMES}


def _query(filters: Mapping[str, str]) -> str:
    return urlencode([(name, value) for name, value in filters.items() if value])
