"""What gateways post: receipts, replies, complaints, orders, mail that came back; signed with a shared secret."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response

from api.declared import for_anybody
from api.deps import App
from api.i18n import N_
from api.rest.answers import answer
from api.rest.described import Described
from engine.errors import Invalid, Problem
from engine.service import complaining, ordering, receiving, replying, returned_mail

MOST = 8 * 1024 * 1024


class TooLong(Invalid):
    """{summary}"""

    status = 413

    def __init__(self) -> None:
        super().__init__([Problem("too_much", N_("A request of the gateway has at most 8 MB; send it in parts."))])


async def signed_body(request: Request) -> bytes:
    """The body as it came. Raises TooLong before more of it is kept."""
    parts, came = [], 0
    async for part in request.stream():
        came += len(part)
        if came > MOST:
            raise TooLong
        parts.append(part)
    return b"".join(parts)


SignedBody = Annotated[bytes, Depends(signed_body)]
Signature = Annotated[str, Header()]


@dataclass(frozen=True, slots=True)
class Taken:
    """How many counted, were known already, and are kept until what they are about is there."""

    applied: int
    repeated: int
    parked: int


router = APIRouter(
    route_class=Described, tags=["gateway"], dependencies=[for_anybody("signed with the gateway's secret")]
)


@router.post("/gateway/receipts", response_model=Taken)
def receive(app: App, body: SignedBody, x_signature: Signature = "") -> Response:
    """Take receipts in; doubled, early and unknown ones do no harm. 403 without the right signature."""
    return answer(receiving.receive_receipts(app, body, x_signature))


@router.post("/gateway/mails", response_model=Taken)
def receive_mail(app: App, body: SignedBody, x_signature: Signature = "") -> Response:
    """Take in one whole mail that came back, a bounce or a complaint; doubled ones do no harm. 403 without the right
    signature."""
    return answer(returned_mail.receive_mail(app, body, x_signature))


@router.post("/gateway/replies", response_model=Taken)
def receive_replies(app: App, body: SignedBody, x_signature: Signature = "") -> Response:
    """Take replies in. An opt-out holds before the next chunk of any wave, also of a number that nobody knows."""
    return answer(replying.receive_replies(app, body, x_signature))


@router.post("/gateway/complaints", response_model=Taken)
def receive_complaints(app: App, body: SignedBody, x_signature: Signature = "") -> Response:
    """Take complaints in. Who complains gets no more messages."""
    return answer(complaining.receive_complaints(app, body, x_signature))


@router.post("/gateway/orders", response_model=Taken)
def receive_orders(app: App, body: SignedBody, x_signature: Signature = "") -> Response:
    """Take orders in. One counts as a conversion once it says how, when and where the customer confirmed it."""
    return answer(ordering.receive_orders(app, body, x_signature))
