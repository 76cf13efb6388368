"""Erasures of customers: asked for by one person, confirmed or refused by another, carried out, certified.

The number is here only while it is needed, encrypted; what stays is a name that stands for it. Refuses two open ones of
the same customer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import erasures, organisation


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """One erasure. `decision` is empty while it waits; confirmed, it is carried out until `finished_at`. `certificate`
    is JSON: of what was found so far, then the certificate."""

    number: int
    name: str
    sealed: str
    reason: str
    asked_by: str
    asked_at: datetime
    decision: str
    decided_by: str
    decided_at: datetime | None
    finished_at: datetime | None
    certificate: str


def ask(tx: Connection, *, name: str, sealed: str, reason: str, by: str, at: datetime) -> int | None:
    """Write down what is asked for; its number. None where one of the same customer waits."""
    tx.execute(sa.select(organisation.c.id).with_for_update())
    newest: int = tx.execute(sa.select(sa.func.coalesce(sa.func.max(erasures.c.number), 0))).scalar_one()
    values = {"number": newest + 1, "name": name, "sealed": sealed, "reason": reason}
    fresh = inserting(tx, erasures).values(**values, asked_by=by, asked_at=at).on_conflict_do_nothing()
    return tx.execute(fresh.returning(erasures.c.number)).scalar_one_or_none()


def find(tx: Connection, number: int) -> ErasureRow | None:
    """One erasure."""
    row = tx.execute(sa.select(erasures).where(erasures.c.number == number)).one_or_none()
    return None if row is None else ErasureRow(*row)


def listed(tx: Connection, limit: int = 100) -> tuple[ErasureRow, ...]:
    """The newest first."""
    return tuple(ErasureRow(*row) for row in tx.execute(_newest_first().limit(limit)))


def unfinished(tx: Connection) -> tuple[ErasureRow, ...]:
    """Those that are confirmed and not carried out, the oldest first."""
    under_way = (erasures.c.decision == "confirmed") & erasures.c.finished_at.is_(None)
    return tuple(ErasureRow(*row) for row in tx.execute(sa.select(erasures).where(under_way).order_by("number")))


def newest_of(tx: Connection, names: Sequence[str]) -> ErasureRow | None:
    """The newest of a customer who has these names that was not refused."""
    of_customer = erasures.c.name.in_(names) & (erasures.c.decision != "refused")
    row = tx.execute(_newest_first().where(of_customer).limit(1)).one_or_none()
    return None if row is None else ErasureRow(*row)


def names(tx: Connection) -> frozenset[str]:
    """The names of everybody whose erasure is confirmed."""
    confirmed = sa.select(erasures.c.name).where(erasures.c.decision == "confirmed")
    return frozenset(tx.execute(confirmed.distinct()).scalars())


def decide(tx: Connection, number: int, decision: str, *, sealed: str, by: str, at: datetime) -> bool:
    """Confirm or refuse one that waits; False where it does not."""
    here = (erasures.c.number == number) & (erasures.c.decision == "")
    values = {"decision": decision, "sealed": sealed, "decided_by": by, "decided_at": at}
    return tx.execute(sa.update(erasures).where(here).values(**values)).rowcount > 0


def keep(tx: Connection, number: int, certificate: str) -> None:
    """Keep what was found so far."""
    tx.execute(sa.update(erasures).where(erasures.c.number == number).values(certificate=certificate))


def finish(tx: Connection, number: int, certificate: str, *, at: datetime) -> bool:
    """It is carried out; False where somebody else was faster."""
    here = (erasures.c.number == number) & erasures.c.finished_at.is_(None)
    values = {"certificate": certificate, "sealed": "", "finished_at": at}
    return tx.execute(sa.update(erasures).where(here).values(**values)).rowcount > 0


def _newest_first() -> "sa.Select[tuple[object, ...]]":
    return sa.select(erasures).order_by(erasures.c.number.desc())
