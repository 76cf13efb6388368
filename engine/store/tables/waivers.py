"""Waivers of grey list entries for one case, asked for by one person and decided by another."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table

from engine.store.columns import Serial, UtcTime
from engine.store.tables.base import metadata, only

waivers = Table(
    "waivers",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("customer", String(60), nullable=False, server_default=""),  # empty = all entries with `grey_reason`
    Column("grey_reason", String(200), nullable=False, server_default=""),
    Column("reason", String(200), nullable=False),
    Column("asked_by", String(40), nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("decision", String(10), nullable=False, server_default=""),
    Column("decided_by", String(40), nullable=False, server_default=""),
    Column("decided_at", UtcTime),
    CheckConstraint("decision in ('','granted','refused')", name="decision"),
    CheckConstraint("(customer = '') <> (grey_reason = '')", name="scope"),
    Index("ix_waivers_open", "case_id", "customer", "grey_reason", unique=True, **only("decision=''")),
    Index(None, "case_id"),
)
