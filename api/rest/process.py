"""The figures of the process for scripts, with the filters of the page, and the cases behind each."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from api.declared import for_reading
from api.deps import App, Reader
from api.rest.answers import answer
from api.rest.described import Described
from engine.service import process_figures
from engine.service.process_views import Behind, ProcessPage

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["process"], dependencies=[for_reading("cases.read")])
Day = Annotated[str, Query(max_length=10, examples=["2026-12-01"], description="Of the first submission")]
Office = Annotated[str, Query(max_length=80, description="A code or name; those below it with it")]
Definition = Annotated[str, Query(max_length=80, description="The name of a definition")]
Version = Annotated[str, Query(max_length=10, description="A version of the definition")]
Kind = Annotated[Literal["", "approve", "file"], Query(description="Only for approval, or only filed")]
Part = Literal["all", "step", "person", "office", "version", "month", "way"]
What = Literal["", "open", "overdue", "late", "decided", "returned", "again", "filed"]


@router.get("/process", response_model=ProcessPage)
def figures(
    *,
    app: App,
    caller: Reader,
    since: Day = "",
    until: Day = "",
    office: Office = "",
    definition: Definition = "",
    version: Version = "",
    kind: Kind = "",
) -> Response:
    """How the cases that the caller may see went through their approval. Times are seconds: `half` and `most` are the
    times that half and nine in ten did not exceed, `worked_` the same in working time. Times of people with fewer than
    five decisions are left out."""
    filters = {"since": since, "until": until, "office": office, "definition": definition}
    return answer(process_figures.page(app, caller, {**filters, "version": version, "kind": kind}))


@router.get("/process/cases", response_model=Behind)
def behind(
    *,
    app: App,
    caller: Reader,
    part: Part = "all",
    name: Annotated[str, Query(max_length=4000, description="The key of the step, person, office, …")] = "",
    what: What = "",
    since: Day = "",
    until: Day = "",
    office: Office = "",
    definition: Definition = "",
    version: Version = "",
    kind: Kind = "",
) -> Response:
    """The cases behind a figure: how many, and 200 of them."""
    filters = {"since": since, "until": until, "office": office, "definition": definition}
    filters |= {"version": version, "kind": kind}
    return answer(process_figures.behind(app, caller, filters, part=part, name=name, what=what))
