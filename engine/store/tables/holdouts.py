"""Versions of the global holdout (全局留白): the share of customers whom no case contacts."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table

from engine.store.columns import UtcTime
from engine.store.tables.base import metadata, only

holdouts = Table(
    "holdouts",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("share", String(12), nullable=False),  # an exact decimal, as 0.05
    Column("salt", String(40), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("proposed_by", String(40), nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
    Column("decision", String(10), nullable=False, server_default=""),
    Column("decided_by", String(40), nullable=False, server_default=""),
    Column("decided_at", UtcTime),
    CheckConstraint("decision in ('','confirmed','refused')", name="decision"),
    Index("ix_holdouts_open", "decision", unique=True, **only("decision=''")),
)
