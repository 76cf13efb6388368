"""How cases are closed out, and the case library, for scripts."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Key, Reader
from api.rest.answers import answer
from api.rest.audience import Acting
from api.rest.cases import Body, Opened
from api.rest.described import Described
from api.rest.paging import Limit, Page, paged
from engine.service import case_library, closing, copying, feedback
from engine.service.closing_views import ClosingView, LibraryRow, Verification
from engine.service.groups import GroupView

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["cases"])
READ = for_reading("cases.read")
Short = Annotated[str, Query(max_length=100)]
Day = Annotated[str, Query(max_length=10, examples=["2026-12-01"])]


class Outcome(Body):
    """Of whom a group is made."""

    outcome: str = Field(max_length=20, examples=["responded"], description=", ".join(feedback.OUTCOMES))


@dataclass(frozen=True, slots=True)
class Library(Page):
    """Closed cases, the last closed first."""

    cases: tuple[LibraryRow, ...]
    next: str


@router.get("/cases/{case_id}/closing", response_model=ClosingView, dependencies=[READ])
def show(app: App, caller: Reader, case_id: str) -> Response:
    """The frozen report with the digests of what it was made from, who signed it, and the lessons. Before the case is
    closed its submitter has the report as it would be signed now; 404 for others."""
    return answer(closing.view(app, caller, case_id))


@router.get("/cases/{case_id}/closing/verification", response_model=Verification, dependencies=[READ])
def verify(app: App, caller: Reader, case_id: str) -> Response:
    """Count everything that the frozen report was made from again; `differs` names the first input that is not as it
    was, and is empty where nothing differs."""
    return answer(closing.verify(app, caller, case_id))


@router.post(
    "/cases/{case_id}/closing/groups",
    status_code=201,
    response_model=GroupView,
    dependencies=[for_acting("groups.write")],
)
def make_group(app: App, by: Acting, case_id: str, body: Outcome) -> Response:
    """Make a customer group of those with an outcome of a closed case; asked again, the one that is there."""
    return answer(feedback.make_group(app, by, case_id, body.outcome), 201)


@router.get("/library", response_model=Library, dependencies=[READ])
def library(
    app: App,
    caller: Reader,
    request: Request,
    *,
    q: Annotated[str, Query(max_length=100, description="In title, lessons, both also in pinyin, and number")] = "",
    kind: Annotated[str, Query(max_length=80, description="The name of a definition")] = "",
    office: Annotated[str, Query(max_length=80, description="A code or name; those below it with it")] = "",
    category: Short = "",
    channel: Short = "",
    verdict: Short = "",
    since: Day = "",
    until: Day = "",
    limit: Limit = case_library.SHOWN,
    cursor: Annotated[str, Query(max_length=4, pattern=r"^[0-9]*$", description="`next` of the page before")] = "",
) -> Response:
    """The case library (案例库): closed cases that the caller may see. `since` and `until` are days of closing."""
    filters = {"q": q, "kind": kind, "office": office, "category": category, "channel": channel, "verdict": verdict}
    filters |= {"since": since, "until": until}
    page = case_library.page(app, caller, filters, number=int(cursor or 1), limit=limit)
    return paged(request, Library(page.rows, str(page.next or "")))


@router.post(
    "/library/{case_id}/copies", status_code=201, response_model=Opened, dependencies=[for_acting("cases.start")]
)
def copy(app: App, caller: Caller, key: Key, case_id: str) -> Response:
    """Open a draft with what fits of a case of the library, without its days and files. Answers {"id": …}."""
    return answer(Opened(copying.copy(app, caller, case_id, key=key, from_library=True)), 201)
