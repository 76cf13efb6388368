"""Takes receipts (回执) from a gateway: signed, in any order, as often as it likes.

Refuses what is not signed with our key; a gateway's key counts for the messages of its own channel alone. What is
signed but belongs to nothing here is parked, once: it is tried again when the ledger of its wave is there, and a person
may look at it before. Importing responses is evaluating's job.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection

from engine.delivery.channels import Sms, Webhook
from engine.delivery.signature import is_signed
from engine.errors import Forged
from engine.service import addressed, inbound, mailboxes
from engine.service.app import Countersign
from engine.service.inbound import NO_MESSAGE, UNREADABLE, Counts
from engine.store import ledger, side_letters, waves
from engine.store.ledger import Receipt
from engine.store.parked import Parked


class _Receipt(msgspec.Struct):
    id: str
    status: Literal["delivered", "failed"]
    at: datetime
    reason: str = ""


def receive_receipts(app: Countersign, body: bytes, signature: str) -> Counts:
    """Apply a request's receipts, in one transaction; sent again it changes nothing.

    Raises Forged for a wrong or missing signature, Invalid for a body that is no list of receipts.
    """
    secrets = {Sms.name: app.settings.sms_secret, Webhook.name: app.settings.delivery_webhook_secret}
    spoken_for = {channel for channel, secret in secrets.items() if is_signed(body, signature, secret)}
    if not spoken_for:
        raise Forged()
    raw = inbound.listed(body, "receipts")
    whole, unreadable = _read(raw)
    with app.db.begin() as tx:
        changed, strangers = _apply(tx, whole, spoken_for)
        odd = [Parked("receipt", inbound.digest(one), one, UNREADABLE) for one in unreadable]
        inbound.park(app, tx, [*odd, *map(_unplaced, strangers)])
    parked = len(unreadable) + len(strangers)
    return Counts(applied=changed, repeated=len(raw) - changed - parked, parked=parked)


def again(app: Countersign, tx: Connection, body: str, message: str = "") -> bool:
    """Try a parked receipt again, as that of `message` where one is named; False where it still belongs to nothing. A
    bounce does what it does when it is read by itself."""
    receipts = _parked(body, message)
    changed, strangers = _apply(tx, receipts)
    if changed:
        mailboxes.bounced(app, tx, receipts)
    return bool(receipts) and not strangers


def _apply(
    tx: Connection, receipts: list[Receipt], spoken_for: Collection[str] | None = None
) -> tuple[int, tuple[Receipt, ...]]:
    """How many rows changed, and the receipts that belong to nothing: also those about a channel that is not
    `spoken_for`, where that is known."""
    aside = [receipt for receipt in receipts if side_letters.is_batch(receipt.wave)]
    beside, lost = side_letters.receive(tx, aside, spoken_for)
    receipts = [receipt for receipt in receipts if not side_letters.is_batch(receipt.wave)]
    locked = waves.lock_all(tx, {receipt.wave for receipt in receipts})
    known = {wave.id for wave in locked if spoken_for is None or wave.channel in spoken_for}
    foreign = [receipt for receipt in receipts if receipt.wave not in known]
    changed, missing = ledger.receive(tx, [receipt for receipt in receipts if receipt.wave in known])
    return changed + beside, (*missing, *foreign, *lost)


def _read(raw: list[msgspec.Raw]) -> tuple[list[Receipt], list[str]]:
    whole: list[Receipt] = []
    unreadable: list[str] = []
    for one in raw:
        try:
            receipt = msgspec.json.decode(one, type=_Receipt)
            place = addressed.row_of(receipt.id)
            if receipt.at.tzinfo is None or place is None:
                raise msgspec.ValidationError(receipt.id)
        except (msgspec.DecodeError, RecursionError):
            unreadable.append(bytes(one).decode(errors="replace"))
            continue
        whole.append(Receipt(*place, receipt.status, receipt.at, receipt.reason))
    return whole, unreadable


def _unplaced(receipt: Receipt) -> Parked:
    named = _Receipt(f"{receipt.wave}.{receipt.row}", receipt.status, receipt.at, receipt.reason)
    body = msgspec.json.encode(named)
    return Parked("receipt", inbound.digest(body), body.decode(), NO_MESSAGE, receipt.wave)


def _parked(body: str, message: str) -> list[Receipt]:
    """The receipt of a body that was parked, as that of `message` where one is named: a bounce about no mail of ours
    names none. Empty where it cannot be read."""
    try:
        said = msgspec.json.decode(body, type=_Receipt)
    except (msgspec.DecodeError, RecursionError):
        return []
    said.id = message or said.id
    return _read([msgspec.Raw(msgspec.json.encode(said))])[0]
