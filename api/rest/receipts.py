"""Receipts from gateways and mail that came back, signed with the secret that both sides know."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response

from api.declared import for_anybody
from api.deps import App
from api.rest.answers import answer
from api.rest.cases import body_of
from api.rest.described import Described
from engine.service import receiving, returning


@dataclass(frozen=True, slots=True)
class Taken:
    """How many receipts counted, were known already, and are kept until what they are about is there."""

    applied: int
    repeated: int
    parked: int


router = APIRouter(
    route_class=Described, tags=["gateway"], dependencies=[for_anybody("signed with the gateway's secret")]
)


@router.post("/gateway/receipts", response_model=Taken)
def receive(app: App, body: Annotated[bytes, Depends(body_of)], x_signature: Annotated[str, Header()] = "") -> Response:
    """Take receipts in; doubled, early and unknown ones do no harm. 403 without the right signature."""
    return answer(receiving.receive_receipts(app, body, x_signature))


@router.post("/gateway/mails", response_model=Taken)
def receive_mail(
    app: App, body: Annotated[bytes, Depends(body_of)], x_signature: Annotated[str, Header()] = ""
) -> Response:
    """Take in one whole mail that came back, a bounce or a complaint; doubled ones do no harm. 403 without the right
    signature."""
    return answer(returning.receive_mail(app, body, x_signature))
