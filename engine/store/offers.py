"""Versions of offers and tariffs: proposed by one person, published or refused by another, perhaps withdrawn later.

The terms of a version are never changed: other terms are another version. Refuses two that wait for one code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.tables import offer_versions, organisation


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One version. `decision` is empty while it waits, else published, refused, or replaced by a later proposal;
    published, it holds from `decided_at` until a later one does or it is withdrawn."""

    code: str
    version: int
    terms: Mapping[str, str]
    proposed_by: str
    proposed_at: datetime
    decision: str
    decided_by: str
    decided_at: datetime | None
    withdrawn_by: str
    withdrawn_at: datetime | None
    reason: str


def lock(tx: Connection) -> None:
    """Let those who change offers pass one by one until the end of the transaction."""
    tx.execute(sa.select(organisation.c.id).with_for_update())


def history(tx: Connection, code: str) -> tuple[OfferRow, ...]:
    """All versions of one code, the newest first."""
    query = sa.select(offer_versions).where(offer_versions.c.code == code)
    return tuple(_row(one) for one in tx.execute(query.order_by(offer_versions.c.version.desc())))


def find(tx: Connection, code: str, version: int) -> OfferRow | None:
    """One version."""
    here = (offer_versions.c.code == code) & (offer_versions.c.version == version)
    one = tx.execute(sa.select(offer_versions).where(here)).one_or_none()
    return None if one is None else _row(one)


def newest(tx: Connection) -> tuple[OfferRow, ...]:
    """Of each code the version proposed last, in the order of the codes."""
    last = sa.select(offer_versions.c.code, sa.func.max(offer_versions.c.version).label("version"))
    last_ = last.group_by(offer_versions.c.code).subquery()
    here = (offer_versions.c.code == last_.c.code) & (offer_versions.c.version == last_.c.version)
    query = sa.select(offer_versions).join(last_, here).order_by(offer_versions.c.code)
    return tuple(_row(one) for one in tx.execute(query))


def published(tx: Connection, at: datetime) -> dict[str, OfferRow]:
    """Of each code the version published last at `at`, withdrawn or not; whether its days hold is the caller's."""
    query = sa.select(offer_versions).where(offer_versions.c.decision == "published", offer_versions.c.decided_at <= at)
    rows = (_row(one) for one in tx.execute(query.order_by(offer_versions.c.code, offer_versions.c.version)))
    return {row.code: row for row in rows}


def is_empty(tx: Connection) -> bool:
    """Whether no offer was ever published."""
    query = sa.select(offer_versions.c.code).where(offer_versions.c.decision == "published").limit(1)
    return tx.execute(query).first() is None


def propose(tx: Connection, code: str, terms: Mapping[str, str], *, by: str, at: datetime) -> int:
    """Write down the next version of a code, in place of one that waits; its number."""
    waits = (offer_versions.c.code == code) & (offer_versions.c.decision == "")
    tx.execute(sa.update(offer_versions).where(waits).values(decision="replaced", decided_by=by, decided_at=at))
    last = sa.select(sa.func.coalesce(sa.func.max(offer_versions.c.version), 0)).where(offer_versions.c.code == code)
    version: int = tx.execute(last).scalar_one() + 1
    written = msgspec.json.encode(dict(terms)).decode()
    values = {"code": code, "version": version, "terms": written, "proposed_by": by, "proposed_at": at}
    tx.execute(sa.insert(offer_versions).values(**values))
    return version


def decide(tx: Connection, code: str, version: int, decision: str, *, by: str, at: datetime) -> bool:
    """Publish or refuse a version that waits; False where it does not."""
    here = (offer_versions.c.code == code) & (offer_versions.c.version == version) & (offer_versions.c.decision == "")
    decided = sa.update(offer_versions).where(here).values(decision=decision, decided_by=by, decided_at=at)
    return tx.execute(decided).rowcount > 0


def withdraw(tx: Connection, code: str, version: int, reason: str, *, by: str, at: datetime) -> bool:
    """Withdraw a published version; False where it is none or was withdrawn before."""
    here = (offer_versions.c.code == code) & (offer_versions.c.version == version)
    open_ = here & (offer_versions.c.decision == "published") & offer_versions.c.withdrawn_at.is_(None)
    done = sa.update(offer_versions).where(open_).values(withdrawn_by=by, withdrawn_at=at, reason=reason)
    return tx.execute(done).rowcount > 0


def _row(one: sa.Row[tuple[object, ...]]) -> OfferRow:
    values = dict(one._mapping)
    return OfferRow(**{**values, "terms": msgspec.json.decode(values["terms"], type=dict[str, str])})
