"""Erasures of customers for scripts: asked for, decided by a second person, certified."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Response
from pydantic import Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller
from api.rest.answers import answer
from api.rest.audience import Acting
from api.rest.cases import Body
from api.rest.described import Described
from engine.service import erasing
from engine.service.erasing import ErasureView
from engine.service.recording import By

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["customers"])
Number = Annotated[int, Path(ge=1, lt=2**31, examples=[1])]


class NewErasure(Body):
    """Whom to erase, and why."""

    customer: str = Field(max_length=60, examples=["C00000123"], description="The whole id, or the whole phone number")
    typed: str = Field(max_length=60, examples=["C00000123"], description="The whole id once more")
    reason: str = Field(max_length=200, examples=["request 2026-1107"], description="Stays; without the id")


class Confirmed(Body):
    """Whether the erasure is confirmed."""

    confirm: bool = Field(examples=[True])


@dataclass(frozen=True, slots=True)
class Erasures:
    """Erasures, the newest first."""

    erasures: tuple[ErasureView, ...]


@dataclass(frozen=True, slots=True)
class CertificateView:
    """A certificate: the erasure, and every file with its rows and its sha256 before and after (empty: it is gone)."""

    erasure: ErasureView
    files: tuple[dict[str, Any], ...]


@router.get("/erasures", response_model=Erasures, dependencies=[for_reading("customers.erase")])
def show(app: App, caller: Caller) -> Response:
    """All erasures, without a word of whom."""
    return answer(Erasures(erasing.listed(app, By(caller, "api"))))


@router.post("/erasures", status_code=201, response_model=Erasures, dependencies=[for_acting("customers.erase")])
def ask(app: App, by: Acting, body: NewErasure) -> Response:
    """Ask for the erasure of a customer. Another administrator confirms it. 409 where one of the same customer waits;
    422 where the id typed once more is not the customer's."""
    erasing.ask(app, by, customer=body.customer, typed=body.typed, reason=body.reason)
    return answer(Erasures(erasing.listed(app, by)), 201)


@router.get("/erasures/{number}", response_model=CertificateView, dependencies=[for_reading("customers.erase")])
def certificate(app: App, caller: Caller, number: Number) -> Response:
    """The certificate of an erasure that is done; 404 before."""
    one, found = erasing.certificate(app, By(caller, "api"), number)
    return answer(CertificateView(one, tuple(msgspec.to_builtins(spot) for spot in found.files)))


@router.post("/erasures/{number}/decision", response_model=Erasures, dependencies=[for_acting("customers.erase")])
def decide(app: App, by: Acting, number: Number, body: Confirmed) -> Response:
    """Confirm an erasure, which cannot be undone, or refuse it. 409 where the caller asked for it; 404 where none
    waits. Its state is `running` until every file was looked through (`looked` of `of`), then `done`."""
    erasing.decide(app, by, number, confirm=body.confirm)
    return answer(Erasures(erasing.listed(app, by)))
