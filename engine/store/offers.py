"""Versions of offers and tariffs: proposed by one person, published or refused by another, perhaps withdrawn later.

The terms of a version are never changed: other terms are another version. Refuses two that wait for one code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.tables import offer_versions
from engine.store.versions import Proposed, Versions


@dataclass(frozen=True, slots=True)
class OfferRow(Proposed):
    """One version. `decision` may be `replaced` by a later proposal as well; published, it holds also only until it is
    withdrawn, for which `reason` says why."""

    code: str
    terms: Mapping[str, str]
    withdrawn_by: str
    withdrawn_at: datetime | None


OFFERS = Versions(
    offer_versions,
    OfferRow,
    lambda row: {"terms": msgspec.json.decode(row["terms"], type=dict[str, str])},
    yes="published",
)


def newest(tx: Connection) -> tuple[OfferRow, ...]:
    """Of each code the version proposed last, in the order of the codes."""
    last = sa.select(offer_versions.c.code, sa.func.max(offer_versions.c.version).label("version"))
    last_ = last.group_by(offer_versions.c.code).subquery()
    here = (offer_versions.c.code == last_.c.code) & (offer_versions.c.version == last_.c.version)
    return OFFERS.rows(tx, sa.select(offer_versions).join(last_, here).order_by(offer_versions.c.code))


def published(tx: Connection, at: datetime) -> dict[str, OfferRow]:
    """Of each code the version published last at `at`, withdrawn or not; whether its days hold is the caller's."""
    query = sa.select(offer_versions).where(OFFERS.said_yes(at))
    rows = OFFERS.rows(tx, query.order_by(offer_versions.c.code, offer_versions.c.version))
    return {row.code: row for row in rows}


def is_empty(tx: Connection) -> bool:
    """Whether no offer was ever published."""
    query = sa.select(offer_versions.c.code).where(offer_versions.c.decision == "published").limit(1)
    return tx.execute(query).first() is None


def propose(tx: Connection, code: str, terms: Mapping[str, str], *, by: str, at: datetime) -> int:
    """Write down the next version of a code, in place of one that waits; its number."""
    waits = (offer_versions.c.code == code) & (offer_versions.c.decision == "")
    tx.execute(sa.update(offer_versions).where(waits).values(decision="replaced", decided_by=by, decided_at=at))
    written = msgspec.json.encode(dict(terms)).decode()
    return OFFERS.propose(tx, {"terms": written}, by=by, at=at, code=code)


def withdraw(tx: Connection, code: str, version: int, reason: str, *, by: str, at: datetime) -> bool:
    """Withdraw a published version; False where it is none or was withdrawn before."""
    here = (offer_versions.c.code == code) & (offer_versions.c.version == version)
    open_ = here & (offer_versions.c.decision == "published") & offer_versions.c.withdrawn_at.is_(None)
    done = sa.update(offer_versions).where(open_).values(withdrawn_by=by, withdrawn_at=at, reason=reason)
    return tx.execute(done).rowcount > 0
