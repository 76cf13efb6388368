"""Takes replies (上行短信) of customers from a gateway: opt-outs are respected at once, the rest is kept to be read.

A reply may be doubled, late, out of order, or faster than the record of what it answers. A number that no message went
to is respected all the same, by its address, while its reply is parked. Refuses to opt anybody in: a person reads that.
"""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from engine.delivery import replies as words
from engine.masking import masked
from engine.service import addressed, inbound, optouts
from engine.service.app import Countersign
from engine.service.inbound import Counts
from engine.service.optouts import OptOut
from engine.service.sealing import seal, unseal
from engine.store import replies
from engine.store.ledger import Place
from engine.store.replies import ReplyRow
from engine.warehouse.addresses import ERASED

TEXT = "text of a reply"
LONGEST_TEXT = 500
LONGEST_NUMBER = 40


class _Reply(msgspec.Struct, rename={"sender": "from"}):
    """`id` is the gateway's own; `message` is ours, where the gateway knows which one is answered."""

    sender: str
    at: datetime
    text: str = ""
    id: str = ""
    message: str = ""
    meaning: str = ""

    @property
    def reference(self) -> str:
        """What the reply is known by."""
        return self.id or inbound.digest(f"{self.sender}\n{self.at.isoformat()}\n{self.text}")


def receive_replies(app: Countersign, body: bytes, signature: str) -> Counts:
    """Take a request's replies in; sent again it changes nothing.

    Raises Forged for a wrong or missing signature, Invalid for a body that is no list of replies.
    """
    raw = inbound.items(app, body, signature, "replies")
    whole: list[_Reply] = []
    unreadable: list[bytes] = []
    for one in raw:
        reply = _read(bytes(one))
        if reply is None:
            unreadable.append(bytes(one))
        else:
            whole.append(reply)
    with app.db.read() as tx:
        places = _places(app, tx, whole)
    applied, strangers = 0, []
    with app.db.begin() as tx:
        for reply in whole:
            place = places.get(reply.reference)
            if place is None:
                strangers.append(_sealed(app, reply))
                optouts.opt_out(app, tx, _wishes(app, reply, None))
            else:
                applied += _keep(app, tx, reply, place)
        unplaced = [inbound.unplaced(app.settings, "reply", one, one.reference) for one in strangers]
        inbound.park(app, tx, [*inbound.unreadable(app.settings, "reply", unreadable), *unplaced])
    parked = len(unreadable) + len(strangers)
    return Counts(applied=applied, repeated=len(raw) - applied - parked, parked=parked)


def again(app: Countersign, tx: Connection, body: str, message: str = "") -> bool:
    """Try a parked reply again, as an answer to `message` where one is named; False where it belongs to nothing."""
    said = inbound.opened(app.settings, body)
    if said is None:
        return False
    reply = msgspec.convert(said, _Reply)
    reply.id = reply.reference
    reply.text = unseal(app.settings, TEXT, reply.text) or ""
    reply.message = message or reply.message
    place = _places(app, tx, [reply]).get(reply.reference)
    if place is None:
        return False
    _keep(app, tx, reply, place)
    return True


def _read(raw: bytes) -> _Reply | None:
    try:
        reply = msgspec.json.decode(raw, type=_Reply)
    except (msgspec.DecodeError, RecursionError):
        return None
    has_sender = 0 < len(reply.sender) <= LONGEST_NUMBER
    if reply.at.tzinfo is None or not has_sender or len(reply.id) > 100 or "\0" in reply.sender + reply.id:
        return None
    reply.meaning = words.meaning(reply.text)
    reply.id = reply.reference
    return reply


def _places(app: Countersign, tx: Connection, some: list[_Reply]) -> dict[str, Place]:
    named = addressed.by_id(tx, {one.message for one in some if one.message})
    found = {one.reference: named[one.message] for one in some if one.message in named}
    rest = [one for one in some if one.reference not in found]
    asked = {one.reference: (one.sender, inbound.as_now(app, one.at)) for one in rest}
    by_number = addressed.by_number(app, tx, set(asked.values()))
    return found | {name: by_number[who] for name, who in asked.items() if who in by_number}


def _keep(app: Countersign, tx: Connection, reply: _Reply, place: Place) -> bool:
    if place.customer.startswith(ERASED):
        return False  # nothing is kept of who was erased, and nothing is sent to them
    row = ReplyRow(
        reference=reply.reference,
        case_id=place.case_id,
        wave=place.wave,
        row=place.row,
        customer=place.customer,
        shown=masked(reply.sender)[:40],
        meaning=reply.meaning,
        text=seal(app.settings, TEXT, reply.text[:LONGEST_TEXT]),
        at=inbound.as_now(app, reply.at),
    )
    is_new = replies.keep(tx, row, at=app.now())
    optouts.opt_out(app, tx, _wishes(app, reply, place))
    return is_new


def _wishes(app: Countersign, reply: _Reply, place: Place | None) -> list[OptOut]:
    if reply.meaning != "opt_out":
        return []
    customer, case_id = (place.customer, place.case_id) if place else ("", "")
    at = inbound.as_now(app, reply.at)
    return [OptOut("reply", reply.reference, at, customer=customer, address=reply.sender, case_id=case_id)]


def _sealed(app: Countersign, reply: _Reply) -> _Reply:
    return msgspec.structs.replace(reply, text=seal(app.settings, TEXT, reply.text[:LONGEST_TEXT]))
