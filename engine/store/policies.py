"""Versions of the contact policy: proposed by one administrator, confirmed or refused by another.

Nothing is ever changed or taken out: another policy is a new version. Refuses two open proposals at a time.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.audience.policy import ContactPolicy
from engine.store.tables import contact_policies as policies
from engine.store.tables import organisation


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One version. `decision` is empty while it waits, else confirmed or refused; confirmed, it holds from
    `decided_at` until the next one does."""

    version: int
    policy: ContactPolicy
    reason: str
    proposed_by: str
    proposed_at: datetime
    decision: str
    decided_by: str
    decided_at: datetime | None


def lock(tx: Connection) -> None:
    """Let those who change the policy pass one by one until the end of the transaction."""
    tx.execute(sa.select(organisation.c.id).with_for_update())


def history(tx: Connection) -> tuple[PolicyRow, ...]:
    """All versions, the newest first."""
    return tuple(_row(one) for one in tx.execute(sa.select(policies).order_by(policies.c.version.desc())))


def confirmed(tx: Connection, at: datetime) -> PolicyRow | None:
    """The version that holds at `at`, also where it says nothing."""
    chosen = sa.select(policies).where(policies.c.decision == "confirmed", policies.c.decided_at <= at)
    one = tx.execute(chosen.order_by(policies.c.version.desc()).limit(1)).one_or_none()
    return None if one is None else _row(one)


def in_force(tx: Connection, at: datetime) -> PolicyRow | None:
    """The version that holds at `at`; None also where it says nothing, which ends a policy."""
    row = confirmed(tx, at)
    return None if row is None or row.policy.is_over else row


def propose(tx: Connection, policy: ContactPolicy, *, reason: str, by: str, at: datetime) -> int:
    """Write down the next version, which holds once somebody else confirms it; its number."""
    newest: int = tx.execute(sa.select(sa.func.coalesce(sa.func.max(policies.c.version), 0))).scalar_one()
    values = {"version": newest + 1, "policy": policy.model_dump_json(), "reason": reason}
    tx.execute(sa.insert(policies).values(**values, proposed_by=by, proposed_at=at))
    return newest + 1


def decide(tx: Connection, version: int, decision: str, *, by: str, at: datetime) -> bool:
    """Confirm or refuse an open version; False where it is not open."""
    here = (policies.c.version == version) & (policies.c.decision == "")
    decided = sa.update(policies).where(here).values(decision=decision, decided_by=by, decided_at=at)
    return tx.execute(decided).rowcount > 0


def _row(one: sa.Row[tuple[object, ...]]) -> PolicyRow:
    values = dict(one._mapping)
    return PolicyRow(**{**values, "policy": ContactPolicy.model_validate_json(values["policy"])})
