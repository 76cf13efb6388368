"""One customer for scripts: what is known, masked, and an address in full for a reason; every question is recorded."""

from fastapi import APIRouter, Response
from pydantic import Field

from api.declared import for_acting
from api.deps import App
from api.rest.answers import answer
from api.rest.audience import Acting, Wanted
from api.rest.cases import Body
from api.rest.described import Described
from engine.service import customers
from engine.service.customers import CustomerView, Revealed

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["customers"])


class WantedAddress(Body):
    """The address to show in full, and why."""

    customer: str = Field(max_length=60, examples=["C00000123"], description="The whole id, or the whole phone number")
    field: str = Field("phone", max_length=60, examples=["phone"], description="A field of type address")
    reason: str = Field(max_length=200, examples=["complaint 2026-1107, called back"])


@router.post("/customers/query", response_model=CustomerView, dependencies=[for_acting("customers.ask")])
def ask(app: App, by: Acting, body: Wanted) -> Response:
    """What is known of the customer with this id or phone, masked. A POST, so that no number stands in an address, and
    because it is recorded who asked; at most 60 in ten minutes (429)."""
    return _unkept(answer(customers.ask(app, by, body.customer)))


@router.post("/customers/address", response_model=Revealed, dependencies=[for_acting("customers.reveal")])
def reveal(app: App, by: Acting, body: WantedAddress) -> Response:
    """An address in full, recorded with the reason. The same key again shows it no second time: `address` is empty.
    404 where the customer has none."""
    return _unkept(answer(customers.reveal(app, by, customer=body.customer, field=body.field, reason=body.reason)))


def _unkept(response: Response) -> Response:
    response.headers["cache-control"] = "no-store"
    return response
