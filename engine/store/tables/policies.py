"""Versions of the contact policy (接触策略), and the contacts that are held under it or were made."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from engine.store.columns import UtcTime
from engine.store.tables.base import metadata, only

contact_policies = Table(
    "contact_policies",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("policy", Text, nullable=False),  # engine.audience.policy.ContactPolicy as JSON
    Column("reason", String(200), nullable=False),
    Column("proposed_by", String(40), nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
    Column("decision", String(10), nullable=False, server_default=""),
    Column("decided_by", String(40), nullable=False, server_default=""),
    Column("decided_at", UtcTime),
    CheckConstraint("decision in ('','confirmed','refused')", name="decision"),
    Index("ix_contact_policies_open", "decision", unique=True, **only("decision=''")),
)

permits = Table(
    "permits",
    metadata,  # one row per customer and wave: held when its chunk is claimed, gone when it surely was not sent
    Column("wave", String(48), nullable=False),
    Column("customer", String(60), nullable=False),
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("category", String(40), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("hall", String(60), nullable=False, server_default=""),  # as far as it counts for a hall or an agent
    Column("agent", String(60), nullable=False, server_default=""),
    PrimaryKeyConstraint("wave", "customer"),
    Index(None, "customer", "at"),
    Index(None, "channel", "at"),
    Index("ix_permits_hall", "hall", "at", **only("hall<>''")),
    Index("ix_permits_agent", "agent", "at", **only("agent<>''")),
)
