"""Versions of the house's cost table (成本表), and what was sent on which day, which its prices are looked up for."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from engine.store.columns import UtcTime
from engine.store.tables.base import metadata, only

cost_tables = Table(
    "cost_tables",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("currency", String(3), nullable=False),
    Column("lines", Text, nullable=False),  # engine.evaluation.cost_table.CostLine as JSON
    Column("reason", String(200), nullable=False),
    Column("proposed_by", String(40), nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
    Column("decision", String(10), nullable=False, server_default=""),
    Column("decided_by", String(40), nullable=False, server_default=""),
    Column("decided_at", UtcTime),
    CheckConstraint("decision in ('','confirmed','refused')", name="decision"),
    Index("ix_cost_tables_open", "decision", unique=True, **only("decision=''")),
)

sent_segments = Table(
    "sent_segments",
    metadata,  # the segments of a wave by day: a price may change in the middle of it (waves.segments is their sum)
    Column("wave", String(48), nullable=False),
    Column("day", String(10), nullable=False),  # of the house, as 2026-11-30
    Column("segments", BigInteger, nullable=False),
    PrimaryKeyConstraint("wave", "day"),
)
