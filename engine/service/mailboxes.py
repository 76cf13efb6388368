"""Mailboxes of customers that are not there: who was written to in vain gets no other e-mail, however it came out: by a
bounce, by a receipt that a person applied, or by the mail server's answer while sending.

Refuses to say so of a mailbox that is full or of a mail that was not wanted: `delivery.returned` knows which is which.
"""

from collections.abc import Iterable

from sqlalchemy import Connection

from engine.delivery.channels import Email
from engine.delivery.returned import BOUNCED
from engine.service.app import Countersign
from engine.store import ledger, suppression
from engine.store.ledger import Receipt
from engine.store.suppression import Suppression
from engine.warehouse.addresses import ERASED

BY = "system"
REASON = "mail bounced"


def gone(app: Countersign, tx: Connection, customers: Iterable[str]) -> None:
    """Put them on the grey list for e-mail. Who was erased stays without a name."""
    entries = [Suppression("grey", one, REASON, Email.name) for one in customers if not one.startswith(ERASED)]
    suppression.add(tx, entries, by=BY, at=app.now())


def bounced(app: Countersign, tx: Connection, receipts: Iterable[Receipt]) -> None:
    """The same for those of the receipts that say of an e-mail that its mailbox is not there."""
    hard = [one for one in receipts if one.status == "failed" and one.reason.startswith(f"{BOUNCED}: ")]
    found = [ledger.addressee(tx, one.wave, one.row) for one in hard]
    gone(app, tx, [to.customer for to in found if to is not None and to.channel == Email.name])
