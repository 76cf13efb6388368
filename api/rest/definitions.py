"""Definitions for scripts: check, save a draft, look, compare, publish another person's draft.

For the roles definition_author and administrator; for everyone else nothing of this is there (404).
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Reader
from api.rest.answers import answer
from engine.service import publishing

router = APIRouter(tags=["definitions"])


class Draft(BaseModel):
    """The text of a definition (YAML)."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(max_length=262_144)


class Publication(BaseModel):
    """The fingerprint of the text that the caller has read; another text by now is refused."""

    model_config = ConfigDict(extra="forbid")

    fingerprint: str = ""


@router.post("/definitions", status_code=201, dependencies=[for_acting("definitions.write")])
def save(app: App, caller: Caller, body: Draft) -> Response:
    """Save a draft of the caller's. 422 with every error of the text at its line and column."""
    return answer(publishing.save_draft(app, caller, body.source), 201)


@router.get("/definitions", dependencies=[for_reading("definitions.read")])
def listed(app: App, caller: Reader, name: Annotated[str, Query(max_length=80)] = "") -> Response:
    """Every version, drafts as well."""
    return answer({"definitions": publishing.versions(app, caller, name)})


@router.get("/definitions/{name}/{version}", dependencies=[for_reading("definitions.read")])
def show(app: App, caller: Reader, name: str, version: int) -> Response:
    """The text of one version."""
    return answer({"name": name, "version": version, "source": publishing.read(app, caller, name, version)})


@router.get("/definitions/{name}/{version}/changes", dependencies=[for_reading("definitions.read")])
def changes(app: App, caller: Reader, name: str, version: int, since: int) -> Response:
    """What that version changes against the version `since`."""
    return answer({"changes": publishing.compare(app, caller, name, since, version)})


@router.post("/definitions/{name}/{version}/publish", dependencies=[for_acting("definitions.write")])
def publish(app: App, caller: Caller, name: str, version: int, body: Publication) -> Response:
    """Publish the draft of another person. 409 for its own author, or where its text is another by now."""
    return answer(publishing.publish(app, caller, name, version, fingerprint=body.fingerprint))
