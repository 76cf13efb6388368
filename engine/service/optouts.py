"""Opt-outs (退订), whatever way they came: `opt_out` is the one function that a reply, a link, a call, a hall clerk, an
e-mail's header and a complaint all use.

An opt-out holds from its transaction on, before the next chunk of any wave: the customer stands on the black list, and
the address, sealed, is asked for as well, also where no customer is known by it; both for one channel or for all.
What a machine tells again changes nothing, so an opt-out that a person ended stays ended. Refuses to opt anybody in:
that is a person's doing (`suppressing.end`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from engine.delivery.numbers import variants
from engine.machine.case import Case
from engine.machine.wider import is_widening
from engine.service.app import Countersign
from engine.service.sealing import vault
from engine.store import cases, opt_outs, reports, suppression
from engine.store.opt_outs import OptOutRow
from engine.store.reports import ResponseRow
from engine.store.suppression import Suppression
from engine.warehouse.addresses import ERASED

Source = Literal["reply", "link", "call", "hall", "mail", "complaint", "import"]
BY = "system"
OPTED_OUT, COMPLAINED = "opted out", "complained"
OPEN_STATES = ("delivering", "paused", "evaluating")
"""In which a case takes in what customers did; and while more is asked for than was approved."""
LONGEST_ADDRESS = 250


@dataclass(frozen=True, slots=True)
class OptOut:
    """What somebody asked for. `reference` is the source's own id of it. At least one of `customer` and `address` (as
    it is, not sealed) is known; `case_id` is the case whose message it answers, where one is known. `channel` is what
    they want no more messages over; empty is every channel. `by_hand`: a person pressed a button, and nothing repeats
    that by itself. So it holds anew where somebody had ended it, and may widen what they asked for before."""

    source: Source
    reference: str
    at: datetime
    customer: str = ""
    address: str = ""
    case_id: str = ""
    channel: str = ""
    by_hand: bool = False


def opt_out(app: Countersign, tx: Connection, wishes: Iterable[OptOut], *, by: str = BY) -> int:
    """Respect them, in the caller's transaction; how many were new. Each counts once as the case's `opt_out` while the
    case is open, but for a complaint, which its caller counts as such.

    One that came from an unknown number may come again with its customer, who is on the black list from then on.
    """
    now, box = app.now(), vault(app.settings)
    count = 0
    for one in wishes:
        addresses = variants(one.address) if one.address and len(one.address) <= LONGEST_ADDRESS else ()
        sealed = tuple(box.seal(address) for address in addresses)
        customer = "" if one.customer.startswith(ERASED) else one.customer
        row = OptOutRow(one.source, one.reference[:120], customer, one.case_id, one.at, sealed, one.channel)
        is_new = opt_outs.record(tx, row, at=now)
        count += is_new
        is_told = is_new or opt_outs.name_customer(tx, row) or (one.by_hand and opt_outs.ask_anew(tx, row))
        if customer and is_told:
            reason = COMPLAINED if one.source == "complaint" else OPTED_OUT
            suppression.add(tx, [Suppression("black", customer, reason, one.channel)], by=by, at=now)
            if one.source != "complaint":
                _count(tx, one)
    return count


def takes_answers(case: Case) -> bool:
    """Whether a case takes in what customers did."""
    return case.state in OPEN_STATES or is_widening(case)


def renew(app: Countersign) -> int:
    """Seal every address with the key in force; how many were sealed with an earlier one."""
    box = vault(app.settings)
    with app.db.begin() as tx:
        return opt_outs.renew(tx, box.renewed)


def _count(tx: Connection, one: OptOut) -> None:
    if one.case_id and takes_answers(cases.load(tx, one.case_id)):
        kept = ResponseRow(one.customer, "opt_out", one.at, None, f"{one.source}:{one.reference}"[:80])
        reports.record_response(tx, one.case_id, kept)
