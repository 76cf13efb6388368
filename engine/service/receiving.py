"""Takes receipts (回执) from a gateway: signed, in any order, as often as it likes.

Refuses what is not signed with our key; a gateway's key counts for the messages of its own channel alone. What is
signed but belongs to nothing here is parked for a person to look at, never dropped. Importing responses is evaluating's
job.
"""

from datetime import datetime
from typing import Literal

import msgspec

from engine.delivery.channels import Sms, Webhook
from engine.delivery.signature import is_signed
from engine.errors import Forged, Invalid, Problem
from engine.service.app import Countersign
from engine.store import ledger, waves
from engine.store.ledger import Receipt

MANY = 10_000


class _Receipt(msgspec.Struct):
    id: str
    status: Literal["delivered", "failed"]
    at: datetime
    reason: str = ""


class _Body(msgspec.Struct):
    receipts: list[msgspec.Raw]


class Counts(msgspec.Struct, frozen=True):
    """What became of receipts: changed a row, changed none (known already), parked."""

    applied: int
    repeated: int
    parked: int


def receive_receipts(app: Countersign, body: bytes, signature: str) -> Counts:
    """Apply a request's receipts, in one transaction; sent again it changes nothing.

    Raises Forged for a wrong or missing signature, Invalid for a body that is no list of receipts.
    """
    secrets = {Sms.name: app.settings.sms_secret, Webhook.name: app.settings.delivery_webhook_secret}
    spoken_for = {channel for channel, secret in secrets.items() if is_signed(body, signature, secret)}
    if not spoken_for:
        raise Forged()
    try:
        raw = msgspec.json.decode(body, type=_Body).receipts
    except msgspec.DecodeError as error:
        raise Invalid([Problem("receipts", f"not a list of receipts: {error}")]) from error
    if len(raw) > MANY:
        raise Invalid([Problem("receipts", f"more than {MANY} receipts in one request", "send them in parts")])
    whole, unreadable = _read(raw)
    with app.db.begin() as tx:
        locked = [waves.lock(tx, wave) for wave in sorted({receipt.wave for receipt in whole})]
        known = {wave.id for wave in locked if wave is not None and wave.channel in spoken_for}
        foreign = [receipt for receipt in whole if receipt.wave not in known]
        changed, missing = ledger.receive(tx, [receipt for receipt in whole if receipt.wave in known])
        strangers = [*missing, *foreign]
        ledger.park(tx, unreadable, "cannot be read", app.now())
        ledger.park(tx, map(_written, strangers), "no such message", app.now())
    parked = len(unreadable) + len(strangers)
    return Counts(applied=changed, repeated=len(raw) - changed - parked, parked=parked)


def _read(raw: list[msgspec.Raw]) -> tuple[list[Receipt], list[str]]:
    whole: list[Receipt] = []
    unreadable: list[str] = []
    for one in raw:
        try:
            receipt = msgspec.json.decode(one, type=_Receipt)
            wave, _, row = receipt.id.rpartition(".")
            if receipt.at.tzinfo is None or not row.isascii() or not row.isdigit() or len(row) > 9:
                raise msgspec.ValidationError(receipt.id)
        except msgspec.DecodeError:
            unreadable.append(bytes(one).decode(errors="replace"))
            continue
        whole.append(Receipt(wave, int(row), receipt.status, receipt.at, receipt.reason))
    return whole, unreadable


def _written(receipt: Receipt) -> str:
    named = _Receipt(f"{receipt.wave}.{receipt.row}", receipt.status, receipt.at, receipt.reason)
    return msgspec.json.encode(named).decode()


def read_parked(body: str) -> list[Receipt]:
    """The receipt of a body that was parked; empty where it cannot be read."""
    try:
        return _read([msgspec.Raw(body.encode())])[0]
    except msgspec.DecodeError:
        return []
