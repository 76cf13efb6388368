"""Texts under work for scripts and editors: each is kept under a revision that is its ETag.

Who saves names the revision they began with in If-Match; where somebody saved another one since, 412 and nothing is
written.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Key, Reader
from api.rest.answers import answer, tagged
from api.rest.described import Described
from api.rest.paging import MOST, Cursor, Limit, Page, paged, placed, position
from engine.service import drafting
from engine.service.drafting import BLANK, DraftView
from engine.service.publishing import Saved

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["drafts"])
Id = Annotated[str, Path(max_length=24, examples=["46ecdd4d08b513d9d992504d"])]
IfMatch = Annotated[
    str, Header(pattern=r'^"[0-9]{1,9}"$', description="The ETag of the text this one was made from", examples=['"3"'])
]


class Beginning(BaseModel):
    """What a text begins with: NAME@VERSION for its next version, the NAME of an example, or nothing."""

    model_config = ConfigDict(extra="forbid")

    based_on: str = Field("", max_length=120, examples=["telecom-marketing-case@2"])


class Words(BaseModel):
    """The text (YAML), right or wrong."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(max_length=524_288, examples=[BLANK])


@dataclass(frozen=True, slots=True)
class Begun:
    """The text that was begun."""

    id: str


@dataclass(frozen=True, slots=True)
class DraftsPage(Page):
    """Texts under work, by their id."""

    drafts: tuple[DraftView, ...]
    next: str


@router.get("/drafts", response_model=DraftsPage, dependencies=[for_reading("definitions.write")])
def listed(app: App, caller: Reader, request: Request, limit: Limit = MOST, cursor: Cursor = "") -> Response:
    """All texts under work."""
    behind = position(cursor, str)
    found = sorted(drafting.listed(app, caller), key=lambda one: one.id)
    found = [one for one in found if behind is None or one.id > behind[0]]
    following = (found[limit - 1].id,) if len(found) > limit else None
    return paged(request, DraftsPage(tuple(found[:limit]), placed(following)))


@router.post("/drafts", status_code=201, response_model=Begun, dependencies=[for_acting("definitions.write")])
def begin(app: App, caller: Caller, key: Key, body: Beginning) -> Response:
    """Begin a text."""
    return answer(Begun(drafting.begin(app, caller, body.based_on, key=key)), 201)


@router.get("/drafts/{draft}", response_model=DraftView, dependencies=[for_reading("definitions.write")])
def show(app: App, caller: Reader, draft: Id) -> Response:
    """A text under work, with its revision as ETag."""
    view = drafting.show(app, caller, draft)
    return tagged(answer(view), view.revision)


@router.put("/drafts/{draft}", response_model=DraftView, dependencies=[for_acting("definitions.write")])
def save(app: App, caller: Caller, draft: Id, body: Words, if_match: IfMatch) -> Response:
    """Keep a text in the place of the one that If-Match names. 412 where that is not the newest any more."""
    view = drafting.save(app, caller, draft, body.source, seen=_revision(if_match))
    return tagged(answer(view), view.revision)


@router.post("/drafts/{draft}/offer", response_model=Saved, dependencies=[for_acting("definitions.write")])
def offer(app: App, caller: Caller, draft: Id, if_match: IfMatch) -> Response:
    """Offer the text for publication by another person. 422 with every error at its line."""
    return answer(drafting.offer(app, caller, draft, seen=_revision(if_match)))


@router.delete("/drafts/{draft}", status_code=204, dependencies=[for_acting("definitions.write")])
def discard(app: App, caller: Caller, draft: Id, if_match: IfMatch) -> None:
    """Forget the text."""
    drafting.discard(app, caller, draft, seen=_revision(if_match))


def _revision(if_match: str) -> int:
    return int(if_match.strip('"'))
