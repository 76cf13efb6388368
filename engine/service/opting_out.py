"""A customer's way out of e-mail: by the link or the one-click header of a mail (RFC 8058), or by a complaint.

The token of a mail is the whole permission: no session, and nothing else to enter. Looking changes nothing. Whoever is
out stands on the black list for e-mail from then on, also for waves that run. Refuses to tell a wrong token from
another installation's, or to say whose a token is.
"""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from engine.delivery.channels import Email
from engine.errors import NotFound
from engine.service import optouts
from engine.service.app import Countersign
from engine.service.mail_marks import opting_out
from engine.service.optouts import OPEN_STATES, OPTED_OUT, OptOut
from engine.service.sealing import vault
from engine.store import cases, ledger, reports, side_letters, suppression
from engine.store.ledger import Addressee
from engine.store.reports import ResponseRow
from engine.store.side_letters import SideLetter
from engine.store.suppression import Suppression
from engine.warehouse.addresses import ERASED

COMPLAINED = "complained"
BY = "system"


@dataclass(frozen=True, slots=True)
class _Asked:
    wave: str
    row: int
    to: Addressee


def look(app: Countersign, token: str) -> None:
    """Whether this is the way out of a mail of ours; NotFound where not."""
    with app.db.read() as tx:
        if _aside(app, tx, token) is None:
            _asked(app, tx, token)


def opt_out(app: Countersign, token: str) -> None:
    """Send no more e-mail to the customer of this mail. Again it changes nothing, but for whom a person let back in:
    who asks once more is out once more. NotFound for a token that is not ours."""
    with app.db.begin() as tx:
        if letter := _aside(app, tx, token):
            if letter.kind == "seed":
                wish = OptOut("mail", letter.name, app.now(), address=vault(app.settings).open(letter.address))
                optouts.opt_out(app, tx, [wish])
            return
        asked = _asked(app, tx, token)
        answer(app, tx, asked.to, "opt_out", reference=f"mail:{asked.wave}.{asked.row}")
        bar(app, tx, asked.to, "black", OPTED_OUT)


def answer(
    app: Countersign, tx: Connection, to: Addressee, kind: Literal["opt_out", "complaint"], *, reference: str
) -> bool:
    """Count what a customer answered for the case, once; False where it was counted before, or its numbers are final.
    Nothing is kept of who was erased."""
    if to.customer.startswith(ERASED) or cases.load(tx, to.case_id).state not in OPEN_STATES:
        return False
    row = ResponseRow(to.customer, kind, app.now(), None, reference)
    return reports.record_responses(tx, to.case_id, [row]) > 0


def bar(app: Countersign, tx: Connection, to: Addressee, kind: Literal["black", "grey"], reason: str) -> None:
    """Put the customer on a list for e-mail. Who was erased is on the black list for good, and stays without a name."""
    if not to.customer.startswith(ERASED):
        suppression.add(tx, [Suppression(kind, to.customer, reason, Email.name)], by=BY, at=app.now())


def _aside(app: Countersign, tx: Connection, token: str) -> SideLetter | None:
    """The letter beside the audience whose way out this is: a seed's address opts out, and no case counts it; a proof
    has none to take."""
    named = opting_out(app.settings, token)
    return side_letters.find(tx, *named) if named and side_letters.is_batch(named[0]) else None


def _asked(app: Countersign, tx: Connection, token: str) -> _Asked:
    named = opting_out(app.settings, token)
    to = ledger.addressee(tx, *named) if named else None
    if named is None or to is None or to.channel != Email.name:
        raise NotFound()
    return _Asked(*named, to)
