"""Definitions for scripts: check, save a draft, look, compare, publish another person's draft, retire.

For the roles definition_author and administrator; for everyone else nothing of this is there (404).
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Reader
from api.rest.answers import answer
from api.rest.described import Described
from api.rest.paging import MOST, Cursor, Limit, Page, paged, placed, position
from engine.definition.diff import Change
from engine.service import publishing, studying
from engine.service.drafting import BLANK
from engine.service.publishing import Release, Saved, VersionRow

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["definitions"])
Name = Annotated[str, Path(max_length=80, examples=["telecom-marketing-case"])]
Number = Annotated[int, Path(ge=1, lt=1_000_000_000, examples=[2])]


class Draft(BaseModel):
    """The text of a definition (YAML)."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(max_length=262_144, examples=[BLANK])


class Text(Draft):
    """A text to check; `prove` asks what takes a proof as well, which is slower."""

    prove: bool = False


class Publication(BaseModel):
    """The fingerprint of the text that the caller has read; another text by now is refused."""

    model_config = ConfigDict(extra="forbid")

    fingerprint: str = Field("", max_length=64, examples=[""])


class Retirement(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(max_length=500, examples=["A new tariff law"])


@dataclass(frozen=True, slots=True)
class Told:
    """One problem of a text, at its line and column (0: of the whole)."""

    code: str
    severity: str
    message: str
    hint: str
    at: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a text has no error, and every problem in the order of the text."""

    valid: bool
    problems: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class VersionsPage(Page):
    """Versions, by name and number."""

    definitions: tuple[VersionRow, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one version."""

    name: str
    version: int
    source: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What a version changes, in the order of a file."""

    changes: tuple[Change, ...]


@router.post("/definitions/check", response_model=Verdict, dependencies=[for_acting("definitions.read")])
def check(app: App, caller: Caller, body: Text) -> Response:
    """Everything that is wrong with a text; nothing is saved."""
    found = studying.checked(app, caller, body.source, prove=body.prove)
    told = (Told(p.code, p.severity, p.message, p.hint, p.at, p.line, p.column) for p in found.problems)
    return answer(Verdict(found.definition is not None, tuple(told)))


@router.post("/definitions", status_code=201, response_model=Saved, dependencies=[for_acting("definitions.write")])
def save(app: App, caller: Caller, body: Draft) -> Response:
    """Save a draft of the caller's. 422 with every error of the text at its line and column."""
    return answer(publishing.save_draft(app, caller, body.source), 201)


@router.get("/definitions", response_model=VersionsPage, dependencies=[for_reading("definitions.read")])
def listed(
    *,
    app: App,
    caller: Reader,
    request: Request,
    name: Annotated[str, Query(max_length=80)] = "",
    limit: Limit = MOST,
    cursor: Cursor = "",
) -> Response:
    """Every version, drafts as well."""
    behind = position(cursor, str, int)
    found = [one for one in publishing.versions(app, caller, name) if behind is None or _place(one) > behind]
    following = _place(found[limit - 1]) if len(found) > limit else None
    return paged(request, VersionsPage(tuple(found[:limit]), placed(following)))


@router.get("/definitions/{name}/{version}", response_model=Source, dependencies=[for_reading("definitions.read")])
def show(app: App, caller: Reader, name: Name, version: Number) -> Response:
    """The text of one version."""
    return answer(Source(name, version, publishing.read(app, caller, name, version)))


@router.get(
    "/definitions/{name}/{version}/changes", response_model=Changes, dependencies=[for_reading("definitions.read")]
)
def changes(
    app: App, caller: Reader, name: Name, version: Number, since: Annotated[int, Query(ge=1, lt=1_000_000_000)]
) -> Response:
    """What that version changes against the version `since`."""
    return answer(Changes(publishing.compare(app, caller, name, since, version)))


@router.post(
    "/definitions/{name}/{version}/publish", response_model=Release, dependencies=[for_acting("definitions.write")]
)
def publish(app: App, caller: Caller, name: Name, version: Number, body: Publication) -> Response:
    """Publish the draft of another person. 409 for who wrote it, or where its text is another by now."""
    return answer(publishing.publish(app, caller, name, version, fingerprint=body.fingerprint))


@router.post("/definitions/{name}/{version}/retire", status_code=204, dependencies=[for_acting("definitions.write")])
def retire(app: App, caller: Caller, name: Name, version: Number, body: Retirement) -> None:
    """Start no more cases with it; its running cases go on."""
    publishing.retire(app, caller, name, version, because=body.reason)


def _place(one: VersionRow) -> tuple[str, int]:
    return one.name, one.version
