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
    """One opt-out; `addresses` are sealed, `customer` and `case_id` empty where they are not known. An empty `channel`
    stands for every channel."""

    source: str
    reference: str
    customer: str
    case_id: str
    at: datetime
    addresses: tuple[str, ...] = ()
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of one opt-out of a customer, without addresses."""

    source: str
    case_id: str
    channel: str
    at: datetime
    ended_at: datetime | None


def record(tx: Connection, row: OptOutRow, *, at: datetime) -> bool:
    """Write one that is not there yet; False where it is."""
    values = {
        "source": row.source,
        "reference": row.reference,
        "customer": row.customer,
        "case_id": row.case_id,
        "channel": row.channel,
        "at": row.at,
        "taken_at": at,
    }
    fresh = inserting(tx, opt_outs).values(values).on_conflict_do_nothing().returning(opt_outs.c.id)
    number = tx.execute(fresh).scalar_one_or_none()
    if number is None:
        return False
    _bar(tx, row, number)
    return True


def ask_anew(tx: Connection, row: OptOutRow) -> bool:
    """Somebody asks once more: it holds again where it was ended, and for every channel where that is asked now and was
    not before. False where it holds as asked."""
    here = (opt_outs.c.source == row.source) & (opt_outs.c.reference == row.reference)
    narrower = (opt_outs.c.channel != "") & sa.literal(row.channel == "")
    values = {"channel": row.channel, "at": row.at, "ended_at": None}
    asked = sa.update(opt_outs).where(here, sa.or_(opt_outs.c.ended_at.is_not(None), narrower)).values(**values)
    number = tx.execute(asked.returning(opt_outs.c.id)).scalar_one_or_none()
    if number is None:
        return False
    _bar(tx, row, number)
    return True


def channel_of(tx: Connection, source: str, reference: str) -> str | None:
    """What the opt-out with this reference bars (empty: every channel); None where there is none in force."""
    here = (opt_outs.c.source == source) & (opt_outs.c.reference == reference) & opt_outs.c.ended_at.is_(None)
    return tx.execute(sa.select(opt_outs.c.channel).where(here)).scalar_one_or_none()


def of_customer(tx: Connection, customer: str) -> tuple[Told, ...]:
    """Every opt-out of a customer, the newest first, those that ended too."""
    columns = (opt_outs.c.source, opt_outs.c.case_id, opt_outs.c.channel, opt_outs.c.at, opt_outs.c.ended_at)
    query = sa.select(*columns).where(opt_outs.c.customer == customer)
    return tuple(Told(*row) for row in tx.execute(query.order_by(opt_outs.c.at.desc(), opt_outs.c.id.desc())))


def name_customer(tx: Connection, row: OptOutRow) -> bool:
    """Say whose opt-out it was that came from an unknown number; False where it is known or was ended."""
    here = (opt_outs.c.source == row.source) & (opt_outs.c.reference == row.reference)
    is_open = (opt_outs.c.customer == "") & opt_outs.c.ended_at.is_(None)
    values = {"customer": row.customer, "case_id": row.case_id}
    return tx.execute(sa.update(opt_outs).where(here, is_open).values(**values)).rowcount > 0


def among(tx: Connection, addresses: Sequence[str], channel: str) -> set[str]:
    """Those of the sealed addresses that have opted out of this channel."""
    found: set[str] = set()
    chosen = (
        sa.select(opt_out_addresses.c.address)
        .join(opt_outs, opt_outs.c.id == opt_out_addresses.c.opt_out)
        .where(opt_outs.c.channel.in_(("", channel)))
        .distinct()
    )
    for first in range(0, len(addresses), AT_ONCE):
        some = addresses[first : first + AT_ONCE]
        found.update(tx.execute(chosen.where(opt_out_addresses.c.address.in_(some))).scalars())
    return found


def end(tx: Connection, customer: str, channel: str, *, at: datetime) -> int:
    """The customer wants messages again: their opt-outs of this channel (empty: of every channel) hold no more; how
    many."""
    here = (opt_outs.c.customer == customer) & opt_outs.c.ended_at.is_(None) & (opt_outs.c.channel == channel)
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


def _bar(tx: Connection, row: OptOutRow, number: int) -> None:
    """Write the addresses of the opt-out with this number."""
    if row.addresses:
        rows = [{"address": one, "opt_out": number} for one in dict.fromkeys(row.addresses)]
        tx.execute(inserting(tx, opt_out_addresses).on_conflict_do_nothing(), rows)
