"""Opt-outs (退订) as rows, with the sealed addresses that they came from.

An address holds whoever it belongs to: asked before each chunk, it also keeps a message from a number that no customer
was known by when it opted out. Refuses to end one but by the customer, whose entry on the black list ends with it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import opt_out_addresses, opt_outs

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class OptOutRow:
    """One opt-out; `addresses` are sealed, `customer` and `case_id` empty where they are not known."""

    source: str
    reference: str
    customer: str
    case_id: str
    at: datetime
    addresses: tuple[str, ...] = ()


def record(tx: Connection, row: OptOutRow, *, at: datetime) -> bool:
    """Write one that is not there yet; False where it is."""
    values = {
        "source": row.source,
        "reference": row.reference,
        "customer": row.customer,
        "case_id": row.case_id,
        "at": row.at,
        "taken_at": at,
    }
    fresh = inserting(tx, opt_outs).values(values).on_conflict_do_nothing().returning(opt_outs.c.id)
    number = tx.execute(fresh).scalar_one_or_none()
    if number is None:
        return False
    if row.addresses:
        rows = [{"address": one, "opt_out": number} for one in dict.fromkeys(row.addresses)]
        tx.execute(inserting(tx, opt_out_addresses).on_conflict_do_nothing(), rows)
    return True


def name_customer(tx: Connection, row: OptOutRow) -> bool:
    """Say whose opt-out it was that came from an unknown number; False where it is known or was ended."""
    here = (opt_outs.c.source == row.source) & (opt_outs.c.reference == row.reference)
    is_open = (opt_outs.c.customer == "") & opt_outs.c.ended_at.is_(None)
    values = {"customer": row.customer, "case_id": row.case_id}
    return tx.execute(sa.update(opt_outs).where(here, is_open).values(**values)).rowcount > 0


def among(tx: Connection, addresses: Sequence[str]) -> set[str]:
    """Those of the sealed addresses that have opted out."""
    found: set[str] = set()
    for first in range(0, len(addresses), AT_ONCE):
        some = addresses[first : first + AT_ONCE]
        found.update(
            tx.execute(
                sa.select(opt_out_addresses.c.address).where(opt_out_addresses.c.address.in_(some)).distinct()
            ).scalars()
        )
    return found


def end(tx: Connection, customer: str, *, at: datetime) -> int:
    """The customer wants messages again: their opt-outs hold no more; how many."""
    here = (opt_outs.c.customer == customer) & opt_outs.c.ended_at.is_(None)
    mine = sa.select(opt_outs.c.id).where(here)
    tx.execute(sa.delete(opt_out_addresses).where(opt_out_addresses.c.opt_out.in_(mine)))
    return tx.execute(sa.update(opt_outs).where(here).values(ended_at=at)).rowcount


def renew(tx: Connection, renewed: Callable[[str], str]) -> int:
    """Write every address as `renewed` gives it, under the newest key; how many changed."""
    count = 0
    for address, number in tx.execute(sa.select(opt_out_addresses)).all():
        fresh = renewed(address)
        if fresh != address:
            here = (opt_out_addresses.c.address == address) & (opt_out_addresses.c.opt_out == number)
            tx.execute(sa.update(opt_out_addresses).where(here).values(address=fresh))
            count += 1
    return count
