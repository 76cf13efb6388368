"""Proofs and seeds for scripts: sent, answered, listed; seeds added and ended."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from pydantic import Field

from api.declared import for_acting, for_reading
from api.deps import App, Reader
from api.rest.answers import answer
from api.rest.audience import Acting
from api.rest.cases import Body
from api.rest.described import Described
from engine.errors import NotFound
from engine.service import proofs, seed_lists
from engine.service.proof_views import ProofsView, ProofView
from engine.service.recording import By
from engine.service.seed_lists import SeedView

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["proofs"])
ProofName = Annotated[str, Path(max_length=40, examples=["proof.4f1c2d3e5a6b.0"], description="The name of a proof")]
SeedNumber = Annotated[int, Path(ge=1, lt=2**31, examples=[1])]


class ProofsTo(Body):
    """Who gets proofs; nobody named: those whom the definition names."""

    to: list[Annotated[str, Field(max_length=40)]] = Field(default=[], max_length=60, examples=[["zhangwei"]])


class ProofAnswer(Body):
    """Whether a proof fits; where it does not, why."""

    fits: bool = Field(examples=[True])
    because: str = Field("", max_length=500, examples=["the price is last month's"])


class NewSeed(Body):
    """A seed of an office; without `last` it holds for good. `customer`: their number, where they are a customer."""

    office: str = Field(max_length=12, examples=["440111"])
    name: str = Field(max_length=60, examples=["Quality desk"])
    channel: Literal["sms", "email"] = Field(examples=["sms"])
    address: str = Field(max_length=250, examples=["13800138000"])
    customer: str = Field("", max_length=60)
    last: date | None = Field(None, examples=["2026-12-31"])


@dataclass(frozen=True, slots=True)
class Proofs:
    """Proofs that wait for the caller's answer."""

    proofs: tuple[ProofView, ...]


@dataclass(frozen=True, slots=True)
class Seeds:
    """The seeds that nobody ended; their addresses are masked."""

    seeds: tuple[SeedView, ...]


@router.get("/cases/{case_id}/proofs", response_model=ProofsView, dependencies=[for_reading("cases.read")])
def of_case(app: App, caller: Reader, case_id: str) -> Response:
    """The proofs of a case, the newest first, and how many still have to say that it fits. 404 for who may not read
    its message."""
    view = proofs.of_case(app, caller, case_id)
    if view is None:
        raise NotFound()
    return answer(view)


@router.post(
    "/cases/{case_id}/proofs", status_code=201, response_model=ProofsView, dependencies=[for_acting("proofs.send")]
)
def send(app: App, by: Acting, case_id: str, body: ProofsTo) -> Response:
    """Send every text of the message to these accounts through its channel. The same key again sends nothing more."""
    proofs.send(app, by, case_id, body.to)
    assert by.viewer is not None
    return answer(proofs.of_case(app, by.viewer, case_id), 201)


@router.get("/proofs", response_model=Proofs, dependencies=[for_reading("cases.read")])
def waiting(app: App, caller: Reader) -> Response:
    """The proofs that wait for the caller's answer."""
    return answer(Proofs(proofs.waiting(app, caller)))


@router.post("/proofs/{name}/answer", response_model=ProofView, dependencies=[for_acting("cases.act")])
def say(app: App, by: Acting, name: ProofName, body: ProofAnswer) -> Response:
    """Say whether a proof fits; a later answer counts instead. 404 for anybody but the person who got it."""
    proofs.answer(app, by, name, fits=body.fits, because=body.because)
    assert by.viewer is not None
    return answer(proofs.one(app, by.viewer, name))


@router.get("/seeds", response_model=Seeds, dependencies=[for_reading("seeds.manage")])
def listed(app: App, caller: Reader) -> Response:
    """Every seed that nobody ended."""
    return answer(Seeds(seed_lists.listed(app, By(caller, "api"))))


@router.post("/seeds", status_code=201, response_model=Seeds, dependencies=[for_acting("seeds.manage")])
def add(app: App, by: Acting, body: NewSeed) -> Response:
    """Add a seed of an office: it gets every wave over its channel that is begun from then on."""
    last = body.last.isoformat() if body.last else ""
    told = {"office": body.office, "name": body.name, "channel": body.channel, "address": body.address}
    seed_lists.add(app, by, **told, customer=body.customer, last=last)
    return answer(Seeds(seed_lists.listed(app, by)), 201)


@router.post("/seeds/{number}/end", response_model=Seeds, dependencies=[for_acting("seeds.manage")])
def end(app: App, by: Acting, number: SeedNumber) -> Response:
    """Send nothing more to a seed. 404 where there is none of that number."""
    seed_lists.end(app, by, number)
    return answer(Seeds(seed_lists.listed(app, by)))
