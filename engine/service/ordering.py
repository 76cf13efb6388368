"""Takes orders (订购) in from the systems that book them: an order is a conversion of its case once there is evidence
that the customer confirmed it: how, when, and where that is written.

An order without evidence is kept, and counts when its evidence comes. One that comes after its case was closed is kept
as late: its numbers are final. Refuses to take evidence back.
"""

from datetime import datetime
from decimal import Decimal

import msgspec
from sqlalchemy import Connection

from engine.service import addressed, inbound
from engine.service.app import Countersign
from engine.service.inbound import Counts
from engine.service.optouts import takes_answers
from engine.store import cases, orders, reports, snapshots
from engine.store.ledger import Place
from engine.store.orders import OrderRow, OrderState
from engine.store.parked import Parked
from engine.store.reports import ResponseRow
from engine.warehouse.addresses import ERASED

LONGEST = 100
LONGEST_ID = 70
TOO_EARLY = "before the list was frozen"
OF_ANOTHER = "this order is another customer's"


class _Confirmation(msgspec.Struct):
    """How the customer confirmed (sms, call, hall, app, …), when, and the number under which that is kept."""

    how: str = ""
    at: datetime | None = None
    reference: str = ""

    @property
    def is_evidence(self) -> bool:
        """Whether it says all of it."""
        return bool(self.how.strip() and self.at is not None and self.at.tzinfo and self.reference.strip())


class _Order(msgspec.Struct, rename={"sender": "from"}):
    """The order's own id, when it was, and whose it is: by the message's id, by customer and case, or by the number."""

    id: str
    at: datetime
    value: Decimal | None = None
    sender: str = ""
    message: str = ""
    customer: str = ""
    case: str = ""
    confirmation: _Confirmation = msgspec.field(default_factory=_Confirmation)


def receive_orders(app: Countersign, body: bytes, signature: str) -> Counts:
    """Take a request's orders in; sent again it changes nothing.

    Raises Forged for a wrong or missing signature, Invalid for a body that is no list of orders.
    """
    raw = inbound.items(app, body, signature, "orders")
    read = [(bytes(one), _read(bytes(one))) for one in raw]
    whole = [one for _, one in read if one is not None]
    odd = inbound.unreadable(app.settings, "order", [said for said, one in read if one is None])
    with app.db.read() as tx:
        places = addressed.places_of(app, tx, whole)
    applied, unplaced = 0, []
    with app.db.begin() as tx:
        for one in whole:
            reason = _refused(app, tx, one, places.get(one.id))
            if reason:
                unplaced.append(_unplaced(app, one, reason))
            else:
                applied += _keep(app, tx, one, places[one.id])
        inbound.park(app, tx, [*odd, *unplaced])
    parked = len(odd) + len(unplaced)
    return Counts(applied=applied, repeated=len(raw) - applied - parked, parked=parked)


def again(app: Countersign, tx: Connection, body: str, message: str = "") -> bool:
    """Try a parked order again, as one that follows `message` where one is named; False where it belongs to nothing."""
    said = inbound.opened(app.settings, body)
    if said is None:
        return False
    one = msgspec.convert(said, _Order)
    one.message = message or one.message
    place = addressed.places_of(app, tx, [one]).get(one.id)
    if place is None or _refused(app, tx, one, place):
        return False
    _keep(app, tx, one, place)
    return True


def _keep(app: Countersign, tx: Connection, one: _Order, place: Place) -> bool:
    if place.customer.startswith(ERASED):
        return False
    is_open = takes_answers(cases.load(tx, place.case_id))
    proof = one.confirmation if one.confirmation.is_evidence else _Confirmation()
    state: OrderState = "late" if not is_open else "counted" if proof.is_evidence else "unconfirmed"
    row = OrderRow(
        case_id=place.case_id,
        reference=one.id,
        customer=place.customer,
        at=inbound.as_now(app, one.at),
        value=one.value,
        how=proof.how.strip(),
        confirmed_at=proof.at,
        confirmation=proof.reference.strip(),
        state=state,
    )
    is_new = orders.keep(tx, row, at=app.now())
    if is_new and state == "counted":
        kept = ResponseRow(place.customer, "conversion", row.at, one.value, f"order:{one.id}")
        reports.record_response(tx, place.case_id, kept)
    return is_new


def _refused(app: Countersign, tx: Connection, one: _Order, place: Place | None) -> str:
    """Why an order is parked; empty where it is not."""
    if place is None:
        return inbound.NO_MESSAGE
    snapshot = snapshots.newest(tx, place.case_id)
    if snapshot is None or inbound.as_now(app, one.at) < snapshot.frozen_at:
        return TOO_EARLY
    known = orders.customers_of(tx, place.case_id, [one.id]).get(one.id, place.customer)
    return "" if known == place.customer else OF_ANOTHER


def _unplaced(app: Countersign, one: _Order, reason: str) -> Parked:
    confirmed = one.confirmation.is_evidence
    return inbound.unplaced(app.settings, "order", one, f"{one.id}{':confirmed' if confirmed else ''}", reason)


def _read(raw: bytes) -> _Order | None:
    try:
        one = msgspec.json.decode(raw, type=_Order)
    except (msgspec.DecodeError, RecursionError, ArithmeticError):
        return None
    proof = one.confirmation
    texts = (one.sender, one.message, one.customer, one.case, proof.reference)
    is_fit = 0 < len(one.id) <= LONGEST_ID and len(proof.how) <= 20 and all(len(text) <= LONGEST for text in texts)
    has_nul = any("\0" in text for text in (*texts, one.id, proof.how))
    value = one.value
    is_money = value is None or (value.is_finite() and abs(value) < 10**14 and value == round(value, 2))
    is_about = bool(one.message or one.sender or (one.customer and one.case))
    return one if is_fit and not has_nul and is_money and is_about and one.at.tzinfo is not None else None
