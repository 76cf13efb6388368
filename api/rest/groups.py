"""Customer groups for scripts: listed, read, counted, tried out, saved, ended."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from api.declared import for_acting, for_reading
from api.deps import App, Reader
from api.rest.answers import answer
from api.rest.audience import Acting
from api.rest.cases import Body
from api.rest.described import Described
from engine.service import group_impact, groups
from engine.service.group_impact import Impact
from engine.service.groups import GroupView
from engine.service.recording import By

NAME = r"^[a-z][a-z0-9_]{0,39}$"
Name = Annotated[str, Path(pattern=NAME, examples=["vip"], description="The name of the group")]
Version = Annotated[int | None, Query(ge=1, lt=2**31, examples=[1], description="By default the newest")]
router = APIRouter(route_class=Described, prefix="/api/v1", tags=["customer groups"])


class Written(Body):
    """What a group says."""

    source: dict[str, Any] = Field(
        examples=[{"rule": "c.arpu >= 120"}], description="As the `source` of an audience, without form fields"
    )
    tests: list[dict[str, Any]] | None = Field(
        None,
        max_length=50,
        examples=[[{"in": {"arpu": 130}}, {"out": {"arpu": 12}}]],
        description="Customers made up for it, and whether it has them; left out, those of the version before stay",
    )


class NewVersion(Written):
    """A version to save."""

    title: str = Field(max_length=60, examples=["High value"])
    note: str = Field("", max_length=200, examples=["what is new"])
    base: int | None = Field(
        None, ge=1, lt=2**31, examples=[None], description="The version edited; none for a new one"
    )


class Ending(Body):
    """Whether the group is offered no more."""

    ended: bool = Field(examples=[True])


@dataclass(frozen=True, slots=True)
class Groups:
    """All groups in their newest versions."""

    groups: tuple[GroupView, ...]


@router.get("/customer-groups", response_model=Groups, dependencies=[for_reading("groups.read")])
def listed(app: App, caller: Reader) -> Response:
    """All customer groups in their newest versions, by title; those that were ended stand last."""
    return answer(Groups(groups.listed(app, caller)))


@router.get("/customer-groups/{name}", response_model=GroupView, dependencies=[for_reading("groups.read")])
def show(app: App, caller: Reader, name: Name, version: Version = None) -> Response:
    """One version of a group. 404 where there is none."""
    return answer(groups.find(app, caller, name, version))


@router.get("/customer-groups/{name}/versions", response_model=Groups, dependencies=[for_reading("groups.read")])
def versions(app: App, caller: Reader, name: Name) -> Response:
    """All versions of a group, the newest first."""
    return answer(Groups(groups.versions(app, caller, name)))


@router.get("/customer-groups/{name}/size", response_model=Impact, dependencies=[for_reading("groups.read")])
def size(app: App, caller: Reader, name: Name, version: Version = None) -> Response:
    """How many customers the group has in the data as it is now (`after`), and who uses it."""
    return answer(group_impact.size(app, By(caller, "api"), name, version))


@router.post("/customer-groups/{name}/impact", response_model=Impact, dependencies=[for_acting("groups.write")])
def impact(app: App, by: Acting, name: Name, body: Written) -> Response:
    """What saving this would do: customers now and then, who joins and leaves, whom it touches. Nothing is saved; what
    is wrong, and tests that fail, are told as in saving."""
    return answer(group_impact.impact(app, by, name=name, source=body.source, tests=body.tests))


@router.post(
    "/customer-groups/{name}", status_code=201, response_model=GroupView, dependencies=[for_acting("groups.write")]
)
def save(app: App, by: Acting, name: Name, body: NewVersion) -> Response:
    """Save the next version of a group, or its first. 412 where somebody saved a version since `base`; 404 where it is
    not yours to edit."""
    saved = groups.save(
        app,
        by,
        name=name,
        title=body.title,
        source=body.source,
        note=body.note,
        base=body.base,
        tests=body.tests,
    )
    return answer(saved, 201)


@router.post("/customer-groups/{name}/end", response_model=GroupView, dependencies=[for_acting("groups.write")])
def end(app: App, by: Acting, name: Name, body: Ending) -> Response:
    """Offer a group no more, or again. Cases that run keep it."""
    groups.end(app, by, name, ended=body.ended)
    return answer(groups.find(app, by.viewer, name))
