"""Readers and embargoes of confidential cases, the record of looks, and void links, for scripts."""

from dataclasses import dataclass

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Reader
from api.rest.answers import answer
from api.rest.described import Described
from engine.service import access, links
from engine.service.access import AccessRecord
from engine.service.access_views import AccessView

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["access"])


class NamedReader(BaseModel):
    """Who is to read the case."""

    model_config = ConfigDict(extra="forbid")

    person: str = Field(description="The account", examples=["zhanglan"])


class Embargo(BaseModel):
    """Until when the office does not see the case."""

    model_config = ConfigDict(extra="forbid")

    until: str = Field("", description="The first day on which it does; empty lifts it", examples=["2026-12-01"])


class Mailed(BaseModel):
    """Whose links."""

    model_config = ConfigDict(extra="forbid")

    person: str = Field("", description="The account, for administrators; by default the caller's own")


@dataclass(frozen=True, slots=True)
class Voided:
    """How many links are void now that held before."""

    void: int


@router.get("/cases/{case_id}/access", response_model=AccessView, dependencies=[for_reading("cases.read")])
def show(app: App, caller: Reader, case_id: str) -> Response:
    """Named readers, embargo, and for submitter, auditors and administrators who looked. 404 for an open case."""
    return answer(access.access_of(app, caller, case_id))


@router.post("/cases/{case_id}/readers", response_model=AccessView, dependencies=[for_acting("cases.act")])
def name_reader(app: App, caller: Caller, case_id: str, body: NamedReader) -> Response:
    """Let a person read a confidential case; for its submitter and the heads of its office. Twice is once."""
    access.name_reader(app, caller, case_id, body.person)
    return answer(access.access_of(app, caller, case_id))


@router.delete("/cases/{case_id}/readers/{person}", response_model=AccessView, dependencies=[for_acting("cases.act")])
def remove_reader(app: App, caller: Caller, case_id: str, person: str) -> Response:
    """Take it back."""
    access.remove_reader(app, caller, case_id, person)
    return answer(access.access_of(app, caller, case_id))


@router.put("/cases/{case_id}/embargo", response_model=AccessView, dependencies=[for_acting("cases.act")])
def set_embargo(app: App, caller: Caller, case_id: str, body: Embargo) -> Response:
    """Keep the office from seeing a confidential case before a day; for its submitter and the heads of its office."""
    access.set_embargo(app, caller, case_id, body.until)
    return answer(access.access_of(app, caller, case_id))


@router.get("/access", response_model=AccessRecord, dependencies=[for_reading("audit.read")])
def record(app: App, caller: Reader) -> Response:
    """The newest looks at confidential cases and refused links, 200 of each."""
    return answer(access.record(app))


@router.post("/links/void", response_model=Voided, dependencies=[for_acting("cases.act")])
def void(app: App, caller: Caller, body: Mailed) -> Response:
    """Make every link void that was mailed to the caller, or by an administrator to somebody."""
    return answer(Voided(links.void(app, caller, body.person)))
