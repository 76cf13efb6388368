"""Versions of the contact policy."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from engine.audience.policy import ContactPolicy
from engine.store.tables import contact_policies
from engine.store.versions import Proposed, Versions


@dataclass(frozen=True, slots=True)
class PolicyRow(Proposed):
    """A policy, which may say nothing: that ends the one before."""

    policy: ContactPolicy


POLICIES = Versions(
    contact_policies, PolicyRow, lambda row: {"policy": ContactPolicy.model_validate_json(row["policy"])}
)


def in_force(tx: Connection, at: datetime) -> PolicyRow | None:
    """The version that holds at `at`; None also where it says nothing."""
    row = POLICIES.in_force(tx, at)
    return None if row is None or row.policy.is_over else row
