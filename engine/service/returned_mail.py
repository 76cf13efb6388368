"""Takes in e-mail that came back: bounces and complaints, one mail at a time, as often as it likes.

A mailbox that is not there is failed and its customer on the grey list for e-mail; one that could not take this mail is
failed alone; who complained is on the black list. Refuses what is not signed with our key, and to believe a report
whose mail does not bear a name that this installation made. What belongs to nothing here is parked, without its words.
"""

from typing import Literal

import msgspec
from sqlalchemy import Connection

from engine.delivery import returned
from engine.delivery.channels import Email
from engine.delivery.returned import Returned
from engine.delivery.signature import is_signed
from engine.errors import Forged, Invalid, Problem
from engine.service import addressed, inbound, mailboxes, optouts
from engine.service.app import Countersign
from engine.service.inbound import Counts
from engine.service.mail_marks import named
from engine.service.optouts import OptOut, takes_answers
from engine.store import cases, ledger, parked, reports, side_letters, waves
from engine.store.ledger import Addressee, Receipt
from engine.store.parked import Parked
from engine.store.reports import ResponseRow
from engine.warehouse.addresses import ERASED

LARGEST = 10 * 1024 * 1024
ABOUT = "no such mail"
NO_REPORT = "no report"


def receive_mail(app: Countersign, raw: bytes, signature: str) -> Counts:
    """Apply a mail that a mail server hands in. Raises Forged for a wrong or missing signature, Invalid for a body that
    is larger than mail is."""
    if not is_signed(raw, signature, app.settings.customer_mail_secret):
        raise Forged()
    return take_mail(app, raw)


def take_mail(app: Countersign, raw: bytes) -> Counts:
    """The same for whoever has the machine: a mail from a file. Sent again it changes nothing."""
    if len(raw) > LARGEST:
        raise Invalid([Problem("mail", f"larger than {LARGEST} bytes", "mail servers return less")])
    said = returned.read(raw)
    if said.kind in ("delayed", "reply"):
        return Counts(applied=0, repeated=1, parked=0)
    found = next((one for name in said.names if (one := named(app.settings, name))), None)
    with app.db.begin() as tx:
        if found and side_letters.is_batch(found[0]) and said.kind != "other":
            status: Literal["delivered", "failed"] = "failed" if said.kind in ("hard", "soft") else "delivered"
            changed, lost = side_letters.receive(tx, [Receipt(*found, status, app.now(), said.reason)], (Email.name,))
            if not lost:
                return Counts(applied=changed, repeated=1 - changed, parked=0)
        # The lock comes first, as for receipts: marks and bounces of one wave pass one by one.
        wave = waves.lock(tx, found[0]) if found else None
        to = ledger.addressee(tx, *found) if found and wave and wave.channel == Email.name else None
        if found is None or to is None or said.kind == "other":
            _park(app, tx, said, found, inbound.digest(raw))
            return Counts(applied=0, repeated=0, parked=1)
        changed = _apply(app, tx, said, to, found)
    return Counts(applied=int(changed), repeated=int(not changed), parked=0)


def _apply(app: Countersign, tx: Connection, said: Returned, to: Addressee, found: tuple[str, int]) -> bool:
    """Whether it changed anything. Who complains has received the mail."""
    wave, row = found
    if said.kind in ("complaint", "delivered"):
        changed, _ = ledger.receive(tx, [Receipt(wave, row, "delivered", app.now())])
        if said.kind == "delivered":
            return changed > 0
        return _complained(app, tx, to, found) or changed > 0
    receipt = Receipt(wave, row, "failed", app.now(), said.reason)
    changed, _ = ledger.receive(tx, [receipt])
    if changed:
        mailboxes.bounced(app, tx, [receipt])
    return changed > 0


def _complained(app: Countersign, tx: Connection, to: Addressee, found: tuple[str, int]) -> bool:
    """No more e-mail to them, and a complaint of the case while it is open; whether it is new. Nothing is kept of who
    was erased."""
    if to.customer.startswith(ERASED):
        return False
    reference, at = f"mail:{found[0]}.{found[1]}", app.now()
    address = addressed.address_of(app, to.case_id, *found)
    wish = OptOut("complaint", reference, at, to.customer, address, to.case_id, Email.name)
    is_new = optouts.opt_out(app, tx, [wish]) > 0
    if takes_answers(cases.load(tx, to.case_id)):
        return reports.record_response(tx, to.case_id, ResponseRow(to.customer, "complaint", at, None, reference))
    return is_new


def _park(app: Countersign, tx: Connection, said: Returned, found: tuple[str, int] | None, reference: str) -> None:
    """As a receipt that a person can apply: of the mail itself nothing is kept, since addresses stand in it."""
    name = f"{found[0]}.{found[1]}" if found else ""
    receipt = {"id": name, "status": "failed", "at": app.now(), "reason": said.reason}
    reason = NO_REPORT if said.kind == "other" else ABOUT
    body = msgspec.json.encode(receipt).decode()
    parked.park(tx, [Parked("receipt", reference, body, reason)], app.now())
